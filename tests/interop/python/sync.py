#!/usr/bin/python3
"""The client of conversation.mjs on python-socketio, without asyncio."""

import queue
import sys

import requests
import socketio

url, name, password, room, way = sys.argv[1:6]
answer = requests.post(url + "/api/v1/auth.login", json={"name": name, "password": password}, timeout=30)
token = answer.json()["token"]

sio = socketio.Client(reconnection=False)
started = queue.Queue()
received = queue.Queue()
position = {}


@sio.on("session.started")
def on_started(session):
    started.put(session)


@sio.on("message.created")
def on_message(event):
    position[event["stream"]] = {"epoch": event["epoch"], "seq": event["seq"]}
    received.put(event["message"])


def say(line):
    print(line, flush=True)


@sio.on("*")
def on_other(name, *args):
    if name == "session.offset" or len(args) != 1:  # not for a client whose functions take what they name
        say(f"odd {name} {args}")


def connect(auth):
    sio.connect(url, auth=auth, transports=way.split(","), wait_timeout=30)
    return started.get(timeout=30)


session = connect({"token": token})
say("started " + session["user"]["name"])
joined = sio.call("channel.join", {"channel": room})
say("joined " + joined["result"]["channel"]["name"])
sent = sio.call("message.send", {"channel": room, "text": "hello from " + name})
say("sent " + sent["result"]["message"]["text"])
refused = sio.call("message.send", {"channel": "nosuch", "text": "?"})
say("refused " + refused["error"]["data"]["type"])
message = received.get(timeout=30)
while message["author"] == session["user"]["id"]:
    message = received.get(timeout=30)
say("received " + message["text"])

sio.disconnect()
sio.wait()
say("gone")
sys.stdin.readline()
session = connect({"token": token, "streams": position})
channel = next(c for c in session["channels"] if c["id"] == room)
say("resumed " + str(channel["resumed"]).lower())
while message["text"] != "live again":
    message = received.get(timeout=30)
    say("again " + message["text"])
sio.disconnect()
say("done")
