#!/usr/bin/python3
"""The client of conversation.mjs on python-socketio with asyncio."""

import asyncio
import sys

import aiohttp
import socketio

url, name, password, room, way = sys.argv[1:6]
position = {}


def say(line):
    print(line, flush=True)


async def sign_in():
    async with aiohttp.ClientSession() as http:
        async with http.post(url + "/api/v1/auth.login", json={"name": name, "password": password}) as answer:
            return (await answer.json())["token"]


async def main():
    token = await sign_in()
    sio = socketio.AsyncClient(reconnection=False)
    started = asyncio.Queue()
    received = asyncio.Queue()

    @sio.on("session.started")
    async def on_started(session):
        await started.put(session)

    @sio.on("message.created")
    async def on_message(event):
        position[event["stream"]] = {"epoch": event["epoch"], "seq": event["seq"]}
        await received.put(event["message"])

    @sio.on("*")
    async def on_other(name, *args):
        if name == "session.offset" or len(args) != 1:  # not for a client whose functions take what they name
            say(f"odd {name} {args}")

    async def connect(auth):
        await sio.connect(url, auth=auth, transports=way.split(","), wait_timeout=30)
        return await started.get()

    session = await connect({"token": token})
    say("started " + session["user"]["name"])
    joined = await sio.call("channel.join", {"channel": room})
    say("joined " + joined["result"]["channel"]["name"])
    sent = await sio.call("message.send", {"channel": room, "text": "hello from " + name})
    say("sent " + sent["result"]["message"]["text"])
    refused = await sio.call("message.send", {"channel": "nosuch", "text": "?"})
    say("refused " + refused["error"]["data"]["type"])
    message = await received.get()
    while message["author"] == session["user"]["id"]:
        message = await received.get()
    say("received " + message["text"])

    await sio.disconnect()
    await sio.wait()
    say("gone")
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    session = await connect({"token": token, "streams": position})
    channel = next(c for c in session["channels"] if c["id"] == room)
    say("resumed " + str(channel["resumed"]).lower())
    while message["text"] != "live again":
        message = await received.get()
        say("again " + message["text"])
    await sio.disconnect()
    say("done")


asyncio.run(main())
