# fish completion for fl-report; made by: fl-report --completion fish
complete -c fl-report -l chart -x -d 'draw column Y by column X, a line for each value of SERIES, or for each file'
complete -c fl-report -l svg -d 'write the one chart as a picture, and no page'
complete -c fl-report -l title -x -d 'heading of the page (default: Rounds)'
complete -c fl-report -s o -l output -r -F -d 'write to FILE, whole or not at all (default: standard output)'
complete -c fl-report -l progress -d 'show progress on standard error even if that is no terminal'
complete -c fl-report -s q -l quiet -d 'no progress and no warnings'
complete -c fl-report -s h -l help -d 'show this help'
complete -c fl-report -s V -l version -d 'show the version'
