# fish completion for fl-import; made by: fl-import --completion fish
complete -c fl-import -s m -l model -r -F -d 'the model that an adapter is for, to be named in it'
complete -c fl-import -l dtype -x -a 'f32 f16 bf16 q8_0' -d 'what a model\'s weights are stored as (default: as they are)'
complete -c fl-import -s o -l output -r -F -d 'write to FILE, whole or not at all (default: standard output)'
complete -c fl-import -s z -l compress -d 'compress the output with zstd (level 1 to 19, default 3)'
complete -c fl-import -l progress -d 'show progress on standard error even if that is no terminal'
complete -c fl-import -s q -l quiet -d 'no progress and no warnings'
complete -c fl-import -s h -l help -d 'show this help'
complete -c fl-import -s V -l version -d 'show the version'
