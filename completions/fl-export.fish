# fish completion for fl-export; made by: fl-export --completion fish
complete -c fl-export -s f -l format -x -a 'hf peft' -d 'what to write: a Hugging Face folder, or one of an adapter'
complete -c fl-export -s o -l output -r -F -d 'the folder to make'
complete -c fl-export -l shard-size -x -d 'split weights into files of at most SIZE (default: 5 GB)'
complete -c fl-export -l progress -d 'show progress on standard error even if that is no terminal'
complete -c fl-export -s q -l quiet -d 'no progress and no warnings'
complete -c fl-export -s h -l help -d 'show this help'
complete -c fl-export -s V -l version -d 'show the version'
