#!/bin/bash
# Parley with nothing but curl and jq: sends a message to a channel, then prints what is written there as it happens.
#
#   PARLEY_NAME=ann PARLEY_PASSWORD='correct horse' ./chat.sh http://127.0.0.1:8080 plans "Lunch?"
#
# stream.events waits for the next event, so nothing is asked for in vain, and nothing is missed between two calls.
set -euo pipefail

url=${1:-http://127.0.0.1:8080}
name=${2:-general}
text=${3:-}

# A command over HTTP: api <command> <parameters as JSON>. An error of the server ends the script with its words.
api() {
    local answer
    answer=$(curl -sS --max-time 60 "$url/api/v1/$1" -H 'Content-Type: application/json' \
        ${TOKEN:+-H "Authorization: Bearer $TOKEN"} -d "$2")
    if jq -e 'has("status") and has("title")' <<<"$answer" >/dev/null; then
        echo "$1: $(jq -r '.detail // .title' <<<"$answer")" >&2
        return 1
    fi
    printf '%s\n' "$answer"
}

TOKEN=$(api auth.login "$(jq -n '{name: env.PARLEY_NAME, password: env.PARLEY_PASSWORD}')" | jq -r .token)
channel=$(api channel.get "$(jq -n --arg n "#$name" '{channel: $n}')" | jq -r .channel.id)
api channel.join "{\"channel\":\"$channel\"}" >/dev/null

# Where the channel is now: what comes after this position is printed.
position=$(api channel.get "{\"channel\":\"$channel\"}" | jq '.channel | {epoch, after: .seq}')
if [ -n "$text" ]; then
    id=$(date +%s%N) # the same again after an error is the same message
    api message.send "$(jq -n --arg c "$channel" --arg t "$text" --arg i "$id" '{channel: $c, text: $t, client_msg_id: $i}')" >/dev/null
fi

while :; do
    answer=$(api stream.events "$(jq -n --argjson p "$position" --arg s "c:$channel" '$p + {stream: $s, wait_ms: 25000}')")
    jq -r '.events[] | select(.method == "message.created") | .params.message | "\(.created_at) \(.author): \(.text)"' <<<"$answer"
    position=$(jq --argjson p "$position" '{epoch, after: (.events[-1].params.seq // $p.after)}' <<<"$answer")
done
