# parleyctl completion for bash; made by `parleyctl completion bash`.
# shellcheck shell=bash

_parleyctl_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_parleyctl_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}

_parleyctl_names() {
    _parleyctl_words "$(parleyctl "${target[@]}" "$1" list --names --limit 1000 --timeout 2 2>/dev/null)"
}

_parleyctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local given=() target=() options i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --data | --socket | --server | --token-file | --ca-file)
            target+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}")
            i=$((i + 1))
            ;;
        --token | --timeout | --color | --query | -q | --limit | -l | --role | -r | --display-name | -d | --password-file | --uses | -u | --expires | -e | --user | --scopes | -s | --channels | -c | --name | --icon | --url | --events | --trigger | --command | --client-msg-id | -i | --retry | --lines | -n | --from | --to)
            i=$((i + 1))
            ;;
        -*) ;;
        *) given+=("${COMP_WORDS[i]}") ;;
        esac
    done
    case $prev in
    --data)
        _parleyctl_files -d
        return
        ;;
    --socket)
        _parleyctl_files -f
        return
        ;;
    --server)
        :
        return
        ;;
    --token)
        :
        return
        ;;
    --token-file)
        _parleyctl_files -f
        return
        ;;
    --ca-file)
        _parleyctl_files -f
        return
        ;;
    --timeout)
        :
        return
        ;;
    --color)
        _parleyctl_words 'auto always never'
        return
        ;;
    --query | -q)
        :
        return
        ;;
    --limit | -l)
        :
        return
        ;;
    --role | -r)
        _parleyctl_words 'member admin owner'
        return
        ;;
    --display-name | -d)
        :
        return
        ;;
    --password-file)
        _parleyctl_files -f
        return
        ;;
    --uses | -u)
        :
        return
        ;;
    --expires | -e)
        :
        return
        ;;
    --user)
        _parleyctl_names user
        return
        ;;
    --scopes | -s)
        _parleyctl_words 'messages:read messages:write channels:read channels:write users:read profile:write hooks:write admin'
        return
        ;;
    --channels | -c)
        :
        return
        ;;
    --name)
        :
        return
        ;;
    --icon)
        :
        return
        ;;
    --url)
        :
        return
        ;;
    --events)
        _parleyctl_words 'message.created message.updated message.deleted member.joined member.left channel.updated channel.archived'
        return
        ;;
    --trigger)
        :
        return
        ;;
    --command)
        :
        return
        ;;
    --client-msg-id | -i)
        :
        return
        ;;
    --retry)
        :
        return
        ;;
    --lines | -n)
        :
        return
        ;;
    --from)
        _parleyctl_files -f
        return
        ;;
    --to)
        _parleyctl_files -f
        return
        ;;
    esac
    options='--data --socket --server --token --token-file --ca-file --timeout --json --color --help --version'
    case "${given[*]}" in
    "user list"*) options+=' --query --limit --names' ;;
    "user create"*) options+=' --role --display-name --password-file' ;;
    "user password"*) options+=' --password-file' ;;
    "bot list"*) options+=' --query --limit --names' ;;
    "bot create"*) options+=' --display-name --user' ;;
    "bot update"*) options+=' --display-name' ;;
    "token create"*) options+=' --expires --user --scopes --channels' ;;
    "hook create"*) options+=' --icon --url --events --trigger --command' ;;
    "hook update"*) options+=' --name --icon --url --events --trigger --command' ;;
    "hook failures"*) options+=' --limit' ;;
    "channel list"*) options+=' --query --limit --names' ;;
    "channel delete"*) options+=' --yes' ;;
    "invite create"*) options+=' --uses --expires' ;;
    "node drain"*) options+=' --wait' ;;
    "send"*) options+=' --client-msg-id --retry' ;;
    "tail"*) options+=' --lines --no-follow' ;;
    "health"*) options+=' --ready' ;;
    "restore"*) options+=' --from --to' ;;
    "migrate"*) options+=' --from --to' ;;
    "drain"*) options+=' --wait' ;;
    "help"*) options+=' --man' ;;
    esac
    if [[ $cur == -* ]]; then
        _parleyctl_words "$options"
        return
    fi
    case "${given[*]}" in
    '' | help) _parleyctl_words 'user session bot token hook slash channel invite node send tail stats health backup restore migrate rebuild config drain version completion help' ;;
    user) _parleyctl_words 'list create disable enable password role' ;;
    session) _parleyctl_words 'list revoke' ;;
    bot) _parleyctl_words 'list create update disable enable' ;;
    token) _parleyctl_words 'list create revoke' ;;
    hook) _parleyctl_words 'list create update rotate disable enable delete failures redeliver' ;;
    slash) _parleyctl_words 'list run' ;;
    channel) _parleyctl_words 'list archive delete' ;;
    invite) _parleyctl_words 'create list revoke' ;;
    node) _parleyctl_words 'list drain' ;;
    config) _parleyctl_words 'check' ;;
    "user disable") _parleyctl_names user ;;
    "user enable") _parleyctl_names user ;;
    "user password") _parleyctl_names user ;;
    "user role") _parleyctl_names user ;;
    "user role "*) _parleyctl_words 'member admin owner' ;;
    "session list") _parleyctl_names user ;;
    "token list") _parleyctl_names user ;;
    "hook list") _parleyctl_names channel ;;
    "hook create") _parleyctl_words 'incoming outgoing slash' ;;
    "hook create "*) _parleyctl_names channel ;;
    "slash list") _parleyctl_names channel ;;
    "slash run") _parleyctl_names channel ;;
    "channel archive") _parleyctl_names channel ;;
    "channel delete") _parleyctl_names channel ;;
    "send") _parleyctl_names channel ;;
    "tail") _parleyctl_names channel ;;
    "backup") _parleyctl_files -f ;;
    "config check") _parleyctl_files -f ;;
    "completion") _parleyctl_words 'bash zsh fish' ;;
    esac
}

complete -F _parleyctl parleyctl
