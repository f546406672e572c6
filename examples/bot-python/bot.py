#!/usr/bin/env python3
"""A bot in Python on plain python-socketio. It joins the channel and answers "!echo ..." and "!time".

    pip install 'python-socketio[client]'                # or Debian's python3-socketio and python3-websocket
    ./bot.py http://127.0.0.1:8080 plans                 # PARLEY_NAME and PARLEY_PASSWORD are its account

After a lost connection it goes on after the last event it has seen, so no question is passed over; an answer has a
client_msg_id made from the question, so none is given twice.
"""

import datetime
import os
import queue
import signal
import sys

import requests
import socketio

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
channel_name = sys.argv[2] if len(sys.argv) > 2 else "general"


def call(command, params, token=None):
    """A command over HTTP: the result, or an exit that says what is wrong."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.post(f"{url}/api/v1/{command}", json=params, headers=headers, timeout=30)
    body = answer.json()
    if not answer.ok:
        sys.exit(f"{command}: {body.get('detail', body['title'])}")
    return body


signed_in = call("auth.login", {"name": os.environ["PARLEY_NAME"], "password": os.environ["PARLEY_PASSWORD"]})
token, me = signed_in["token"], signed_in["user"]
channel = call("channel.get", {"channel": "#" + channel_name}, token)["channel"]["id"]
call("channel.join", {"channel": channel}, token)

streams = {}  # how far the bot has read, per stream
events = queue.Queue()  # what has arrived, in order, for the loop below
sio = socketio.Client()


@sio.on("session.started")
def on_started(session):
    events.put(("session.started", session))
    print(f"{me['name']} listens in #{channel_name}", flush=True)


@sio.on("message.created")
def on_message(event):
    events.put(("message.created", event))


def reply_to(text):
    word, _, rest = text.partition(" ")
    if word == "!echo":
        return rest
    if word == "!time":
        return datetime.datetime.now(datetime.timezone.utc).isoformat()
    return None


def answer(message):
    text = reply_to(message.get("text", ""))
    if not text:
        return
    params = {"channel": channel, "text": text, "client_msg_id": "reply-" + message["id"]}
    while True:
        try:
            result = sio.call("message.send", params, timeout=10)
            break
        except (socketio.exceptions.SocketIOError, socketio.exceptions.TimeoutError):
            sio.sleep(1)  # the connection is lost, and comes back by itself
    if "error" in result:
        print("message.send:", result["error"]["message"], file=sys.stderr)


def stop(*_):
    events.put(("stop", None))


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
# `auth` is asked for at every connection, so that it carries the positions of that moment.
sio.connect(url, auth=lambda: {"token": token, "streams": streams}, wait_timeout=30)
while True:
    what, event = events.get()
    if what == "stop":
        break
    if what == "session.started":
        # A stream that could not be resumed goes on from its end: what was missed is not answered any more.
        for c in event["channels"]:
            if not c["resumed"]:
                streams["c:" + c["id"]] = {"epoch": c["epoch"], "seq": c["seq"]}
        continue
    at = streams.get(event["stream"], {})
    if at.get("epoch") == event["epoch"] and at["seq"] >= event["seq"]:
        continue  # repeated after a lost connection, and done by now
    if event["message"]["channel"] == channel and event["message"]["author"] != me["id"]:
        answer(event["message"])
    streams[event["stream"]] = {"epoch": event["epoch"], "seq": event["seq"]}
sio.disconnect()
