# parleyctl completion for fish; made by `parleyctl completion fish`.

# Prints the words of the command and its arguments, and in front of them, with --target,
# the options that say which server to ask.
function __parleyctl_given
    set -l tokens (commandline -opc)
    set -l given
    set -l target
    set -l i 2
    while test $i -le (count $tokens)
        switch $tokens[$i]
            case --data --socket --server --token-file --ca-file
                set i (math $i + 1)
                set target $target $tokens[(math $i - 1)] $tokens[$i]
            case --token --timeout --color --query -q --limit -l --role -r --display-name -d --password-file --uses -u --expires -e --user --scopes -s --channels -c --name --icon --url --events --trigger --command --client-msg-id -i --retry --lines -n --from --to
                set i (math $i + 1)
            case '-*'
            case '*'
                set given $given $tokens[$i]
        end
        set i (math $i + 1)
    end
    if test "$argv[1]" = --target
        string join \n -- $target
    else
        string join ' ' -- $given
    end
end

# Whether the given words are exactly these.
function __parleyctl_at
    test (__parleyctl_given | string collect; or echo) = "$argv[1]"
end

# Whether they begin with these.
function __parleyctl_in
    string match -q -- "$argv[1]*" (__parleyctl_given)
end

function __parleyctl_names
    parleyctl (__parleyctl_given --target) $argv[1] list --names --limit 1000 --timeout 2 2>/dev/null
end

complete -c parleyctl -f
complete -c parleyctl -l data -x -a '(__fish_complete_directories)' -d 'The server\'s data directory; its admin.sock is spoken to. Default: $PARLEY_DATA, or ./data.'
complete -c parleyctl -l socket -r -F -d 'The admin socket itself, when it is elsewhere.'
complete -c parleyctl -l server -x -d 'A server over the network, https://HOST or http://HOST:PORT; needs a token.'
complete -c parleyctl -l token -x -d 'The token for --server. Other users of this machine may see it in the list of processes: --token-file or $PARLEY_TOKEN keep it to yourself.'
complete -c parleyctl -l token-file -r -F -d 'Read the token from the first line of FILE; - is standard input.'
complete -c parleyctl -l ca-file -r -F -d 'Trust the certificates in FILE (PEM) for --server https://..., instead of the system\'s.'
complete -c parleyctl -l timeout -x -d 'How long to wait for an answer, 1 to 3600. Default: 30.'
complete -c parleyctl -l json -d 'Print what the server answered, unchanged: one JSON text a line.'
complete -c parleyctl -l color -x -a 'auto always never' -d 'auto, always or never. auto: on a terminal, unless NO_COLOR is set. Default: auto.'
complete -c parleyctl -l help -s h -d 'Say how the command is used.'
complete -c parleyctl -l version -s V -d 'Print the version of parleyctl.'
complete -c parleyctl -n '__parleyctl_at ""' -a user -d '...'
complete -c parleyctl -n '__parleyctl_at help' -a user
complete -c parleyctl -n '__parleyctl_at user' -a list -d 'List the accounts.'
complete -c parleyctl -n '__parleyctl_in "user list"' -l query -s q -x -d 'Only those whose name or description has TEXT in it.'
complete -c parleyctl -n '__parleyctl_in "user list"' -l limit -s l -x -d 'At most N rows, 1 to 1000000. Default: all.'
complete -c parleyctl -n '__parleyctl_in "user list"' -l names -d 'Print nothing but the names, one a line.'
complete -c parleyctl -n '__parleyctl_at user' -a create -d 'Make an account.'
complete -c parleyctl -n '__parleyctl_in "user create"' -l role -s r -x -a 'member admin owner' -d 'Role of the new account. Default: member.'
complete -c parleyctl -n '__parleyctl_in "user create"' -l display-name -s d -x -d 'The name that people see, up to 64 characters. Default: the account\'s name.'
complete -c parleyctl -n '__parleyctl_in "user create"' -l password-file -r -F -d 'Read the password from the first line of FILE; - is standard input. Without it the password is asked for on the terminal, or read from standard input when that is not one.'
complete -c parleyctl -n '__parleyctl_at user' -a disable -d 'Lock an account and end its sessions.'
complete -c parleyctl -n '__parleyctl_at "user disable"' -a '(__parleyctl_names user)'
complete -c parleyctl -n '__parleyctl_at user' -a enable -d 'Unlock an account.'
complete -c parleyctl -n '__parleyctl_at "user enable"' -a '(__parleyctl_names user)'
complete -c parleyctl -n '__parleyctl_at user' -a password -d 'Set an account\'s password.'
complete -c parleyctl -n '__parleyctl_at "user password"' -a '(__parleyctl_names user)'
complete -c parleyctl -n '__parleyctl_in "user password"' -l password-file -r -F -d 'Read the password from the first line of FILE; - is standard input. Without it the password is asked for on the terminal, or read from standard input when that is not one.'
complete -c parleyctl -n '__parleyctl_at user' -a role -d 'Make a user an owner, an admin or a member.'
complete -c parleyctl -n '__parleyctl_at "user role"' -a '(__parleyctl_names user)'
complete -c parleyctl -n '__parleyctl_in "user role "' -a 'member admin owner'
complete -c parleyctl -n '__parleyctl_at ""' -a session -d '...'
complete -c parleyctl -n '__parleyctl_at help' -a session
complete -c parleyctl -n '__parleyctl_at session' -a list -d 'List the sessions of a user.'
complete -c parleyctl -n '__parleyctl_at "session list"' -a '(__parleyctl_names user)'
complete -c parleyctl -n '__parleyctl_at session' -a revoke -d 'End a session; its open connections close at once.'
complete -c parleyctl -n '__parleyctl_at ""' -a bot -d '...'
complete -c parleyctl -n '__parleyctl_at help' -a bot
complete -c parleyctl -n '__parleyctl_at bot' -a list -d 'List the bots.'
complete -c parleyctl -n '__parleyctl_in "bot list"' -l query -s q -x -d 'Only those whose name or description has TEXT in it.'
complete -c parleyctl -n '__parleyctl_in "bot list"' -l limit -s l -x -d 'At most N rows, 1 to 1000000. Default: all.'
complete -c parleyctl -n '__parleyctl_in "bot list"' -l names -d 'Print nothing but the names, one a line.'
complete -c parleyctl -n '__parleyctl_at bot' -a create -d 'Make a bot: an account without a password that belongs to a user.'
complete -c parleyctl -n '__parleyctl_in "bot create"' -l display-name -s d -x -d 'The name that people see, up to 64 characters. Default: the account\'s name.'
complete -c parleyctl -n '__parleyctl_in "bot create"' -l user -x -a '(__parleyctl_names user)' -d 'For whom. Over the admin socket anybody, else oneself or, for a token, a bot of one\'s own. Default: oneself, over the admin socket the owner.'
complete -c parleyctl -n '__parleyctl_at bot' -a update -d 'Change a bot\'s display name.'
complete -c parleyctl -n '__parleyctl_in "bot update"' -l display-name -s d -x -d 'The name that people see, up to 64 characters. Default: the account\'s name.'
complete -c parleyctl -n '__parleyctl_at bot' -a disable -d 'Lock a bot; its open connections close at once.'
complete -c parleyctl -n '__parleyctl_at bot' -a enable -d 'Unlock a bot.'
complete -c parleyctl -n '__parleyctl_at ""' -a token -d '...'
complete -c parleyctl -n '__parleyctl_at help' -a token
complete -c parleyctl -n '__parleyctl_at token' -a list -d 'List the tokens of a user or bot.'
complete -c parleyctl -n '__parleyctl_at "token list"' -a '(__parleyctl_names user)'
complete -c parleyctl -n '__parleyctl_at token' -a create -d 'Make a token, with which a program acts for a user or a bot.'
complete -c parleyctl -n '__parleyctl_in "token create"' -l expires -s e -x -d 'When it ends, in a year at most. Default: never.'
complete -c parleyctl -n '__parleyctl_in "token create"' -l user -x -a '(__parleyctl_names user)' -d 'For whom. Over the admin socket anybody, else oneself or, for a token, a bot of one\'s own. Default: oneself, over the admin socket the owner.'
complete -c parleyctl -n '__parleyctl_in "token create"' -l scopes -s s -x -a 'messages:read messages:write channels:read channels:write users:read profile:write hooks:write admin' -d 'What the token may do; has to be given.'
complete -c parleyctl -n '__parleyctl_in "token create"' -l channels -s c -x -d 'The only channels that it knows of, 1 to 50. Default: all that its user may see.'
complete -c parleyctl -n '__parleyctl_at token' -a revoke -d 'End a token; its open connections close at once.'
complete -c parleyctl -n '__parleyctl_at ""' -a hook -d '...'
complete -c parleyctl -n '__parleyctl_at help' -a hook
complete -c parleyctl -n '__parleyctl_at hook' -a list -d 'List the webhooks and slash commands of a channel.'
complete -c parleyctl -n '__parleyctl_at "hook list"' -a '(__parleyctl_names channel)'
complete -c parleyctl -n '__parleyctl_at hook' -a create -d 'Make a webhook or slash command of a channel.'
complete -c parleyctl -n '__parleyctl_at "hook create"' -a 'incoming outgoing slash'
complete -c parleyctl -n '__parleyctl_in "hook create "' -a '(__parleyctl_names channel)'
complete -c parleyctl -n '__parleyctl_in "hook create"' -l icon -x -d 'An emoji to show. Empty: none.'
complete -c parleyctl -n '__parleyctl_in "hook create"' -l url -x -d 'Where an outgoing webhook or a slash command calls.'
complete -c parleyctl -n '__parleyctl_in "hook create"' -l events -x -a 'message.created message.updated message.deleted member.joined member.left channel.updated channel.archived' -d 'What an outgoing webhook is told of. Default: message.created.'
complete -c parleyctl -n '__parleyctl_in "hook create"' -l trigger -x -d 'An outgoing webhook is told only of messages that begin with it. Empty: of all.'
complete -c parleyctl -n '__parleyctl_in "hook create"' -l command -x -d 'The word behind the / of a slash command.'
complete -c parleyctl -n '__parleyctl_at hook' -a update -d 'Change a webhook or slash command.'
complete -c parleyctl -n '__parleyctl_in "hook update"' -l name -x -d 'The new name to show.'
complete -c parleyctl -n '__parleyctl_in "hook update"' -l icon -x -d 'An emoji to show. Empty: none.'
complete -c parleyctl -n '__parleyctl_in "hook update"' -l url -x -d 'Where an outgoing webhook or a slash command calls.'
complete -c parleyctl -n '__parleyctl_in "hook update"' -l events -x -a 'message.created message.updated message.deleted member.joined member.left channel.updated channel.archived' -d 'What an outgoing webhook is told of. Default: message.created.'
complete -c parleyctl -n '__parleyctl_in "hook update"' -l trigger -x -d 'An outgoing webhook is told only of messages that begin with it. Empty: of all.'
complete -c parleyctl -n '__parleyctl_in "hook update"' -l command -x -d 'The word behind the / of a slash command.'
complete -c parleyctl -n '__parleyctl_at hook' -a rotate -d 'Give a hook another address or key.'
complete -c parleyctl -n '__parleyctl_at hook' -a disable -d 'Stop a hook.'
complete -c parleyctl -n '__parleyctl_at hook' -a enable -d 'Let a hook go on.'
complete -c parleyctl -n '__parleyctl_at hook' -a delete -d 'End a webhook or slash command.'
complete -c parleyctl -n '__parleyctl_at hook' -a failures -d 'List what an outgoing webhook could not deliver.'
complete -c parleyctl -n '__parleyctl_in "hook failures"' -l limit -s l -x -d 'At most N rows, 1 to 1000000. Default: all.'
complete -c parleyctl -n '__parleyctl_at hook' -a redeliver -d 'Have a failure delivered again.'
complete -c parleyctl -n '__parleyctl_at ""' -a slash -d '...'
complete -c parleyctl -n '__parleyctl_at help' -a slash
complete -c parleyctl -n '__parleyctl_at slash' -a list -d 'List the slash commands that a channel\'s members have.'
complete -c parleyctl -n '__parleyctl_at "slash list"' -a '(__parleyctl_names channel)'
complete -c parleyctl -n '__parleyctl_at slash' -a run -d 'Send a slash command, and show its answer.'
complete -c parleyctl -n '__parleyctl_at "slash run"' -a '(__parleyctl_names channel)'
complete -c parleyctl -n '__parleyctl_at ""' -a channel -d '...'
complete -c parleyctl -n '__parleyctl_at help' -a channel
complete -c parleyctl -n '__parleyctl_at channel' -a list -d 'List the channels.'
complete -c parleyctl -n '__parleyctl_in "channel list"' -l query -s q -x -d 'Only those whose name or description has TEXT in it.'
complete -c parleyctl -n '__parleyctl_in "channel list"' -l limit -s l -x -d 'At most N rows, 1 to 1000000. Default: all.'
complete -c parleyctl -n '__parleyctl_in "channel list"' -l names -d 'Print nothing but the names, one a line.'
complete -c parleyctl -n '__parleyctl_at channel' -a archive -d 'Archive a channel: it can be read, not written.'
complete -c parleyctl -n '__parleyctl_at "channel archive"' -a '(__parleyctl_names channel)'
complete -c parleyctl -n '__parleyctl_at channel' -a delete -d 'Delete a channel and all its messages, for ever.'
complete -c parleyctl -n '__parleyctl_at "channel delete"' -a '(__parleyctl_names channel)'
complete -c parleyctl -n '__parleyctl_in "channel delete"' -l yes -s y -d 'Do not ask.'
complete -c parleyctl -n '__parleyctl_at ""' -a invite -d '...'
complete -c parleyctl -n '__parleyctl_at help' -a invite
complete -c parleyctl -n '__parleyctl_at invite' -a create -d 'Make an invite with which people make accounts.'
complete -c parleyctl -n '__parleyctl_in "invite create"' -l uses -s u -x -d 'How many accounts it may make, 1 to 1000. Default: 1.'
complete -c parleyctl -n '__parleyctl_in "invite create"' -l expires -s e -x -d 'When it ends, in a year at most. Default: never.'
complete -c parleyctl -n '__parleyctl_at invite' -a list -d 'List the invites that are still good.'
complete -c parleyctl -n '__parleyctl_at invite' -a revoke -d 'End an invite.'
complete -c parleyctl -n '__parleyctl_at ""' -a node -d '...'
complete -c parleyctl -n '__parleyctl_at help' -a node
complete -c parleyctl -n '__parleyctl_at node' -a list -d 'List the nodes of the cluster.'
complete -c parleyctl -n '__parleyctl_at node' -a drain -d 'Ask a node of the cluster to finish and end.'
complete -c parleyctl -n '__parleyctl_in "node drain"' -l wait -s w -d 'Come back when the server has ended (at most --timeout).'
complete -c parleyctl -n '__parleyctl_at ""' -a send -d 'Send a message.'
complete -c parleyctl -n '__parleyctl_at help' -a send
complete -c parleyctl -n '__parleyctl_at "send"' -a '(__parleyctl_names channel)'
complete -c parleyctl -n '__parleyctl_in "send"' -l client-msg-id -s i -x -d 'Your own id for the message, 1 to 64 printable ASCII characters: sending it again with the same id, even days later, does not make a second message. Default: a new one.'
complete -c parleyctl -n '__parleyctl_in "send"' -l retry -x -d 'How long to go on when the server is restarting or cannot write, 0 to 86400. Default: 30.'
complete -c parleyctl -n '__parleyctl_at ""' -a tail -d 'Follow a channel.'
complete -c parleyctl -n '__parleyctl_at help' -a tail
complete -c parleyctl -n '__parleyctl_at "tail"' -a '(__parleyctl_names channel)'
complete -c parleyctl -n '__parleyctl_in "tail"' -l lines -s n -x -d 'Begin with the last N messages, 0 to 10000. Default: 10.'
complete -c parleyctl -n '__parleyctl_in "tail"' -l no-follow -d 'End after the last message instead of waiting.'
complete -c parleyctl -n '__parleyctl_at ""' -a stats -d 'Show the server\'s numbers.'
complete -c parleyctl -n '__parleyctl_at help' -a stats
complete -c parleyctl -n '__parleyctl_at ""' -a health -d 'Ask whether the server lives, or accepts writes.'
complete -c parleyctl -n '__parleyctl_at help' -a health
complete -c parleyctl -n '__parleyctl_in "health"' -l ready -d 'Ask whether writes are accepted too.'
complete -c parleyctl -n '__parleyctl_at ""' -a backup -d 'Copy the database while the server runs.'
complete -c parleyctl -n '__parleyctl_at help' -a backup
complete -c parleyctl -n '__parleyctl_at "backup"' -F
complete -c parleyctl -n '__parleyctl_at ""' -a restore -d 'Make a store from a backup; no parleyd may use it.'
complete -c parleyctl -n '__parleyctl_at help' -a restore
complete -c parleyctl -n '__parleyctl_in "restore"' -l from -r -F -d 'Where to copy from.'
complete -c parleyctl -n '__parleyctl_in "restore"' -l to -r -F -d 'Where to copy to.'
complete -c parleyctl -n '__parleyctl_at ""' -a migrate -d 'Copy a store into another one, SQLite or MongoDB; no parleyd may use either.'
complete -c parleyctl -n '__parleyctl_at help' -a migrate
complete -c parleyctl -n '__parleyctl_in "migrate"' -l from -r -F -d 'Where to copy from.'
complete -c parleyctl -n '__parleyctl_in "migrate"' -l to -r -F -d 'Where to copy to.'
complete -c parleyctl -n '__parleyctl_at ""' -a rebuild -d 'Make the tables anew from the event log; parleyd must not run.'
complete -c parleyctl -n '__parleyctl_at help' -a rebuild
complete -c parleyctl -n '__parleyctl_at ""' -a config -d '...'
complete -c parleyctl -n '__parleyctl_at help' -a config
complete -c parleyctl -n '__parleyctl_at config' -a check -d 'Check a configuration file.'
complete -c parleyctl -n '__parleyctl_at "config check"' -F
complete -c parleyctl -n '__parleyctl_at ""' -a drain -d 'Ask the server to finish and end.'
complete -c parleyctl -n '__parleyctl_at help' -a drain
complete -c parleyctl -n '__parleyctl_in "drain"' -l wait -s w -d 'Come back when the server has ended (at most --timeout).'
complete -c parleyctl -n '__parleyctl_at ""' -a version -d 'Show the versions of parleyctl and of the server.'
complete -c parleyctl -n '__parleyctl_at help' -a version
complete -c parleyctl -n '__parleyctl_at ""' -a completion -d 'Print the completion script for a shell.'
complete -c parleyctl -n '__parleyctl_at help' -a completion
complete -c parleyctl -n '__parleyctl_at "completion"' -a 'bash zsh fish'
complete -c parleyctl -n '__parleyctl_at ""' -a help -d 'Say how a command is used.'
complete -c parleyctl -n '__parleyctl_at help' -a help
complete -c parleyctl -n '__parleyctl_in "help"' -l man -d 'Print the source (roff) of a manual page instead: parleyctl, parleyd or parley.conf.'
