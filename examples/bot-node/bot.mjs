#!/usr/bin/env node
// A bot in Node.js on plain socket.io-client. It joins the channel and answers "!echo ..." and "!time".
//
//   npm ci && ./bot.mjs http://127.0.0.1:8080 plans          # PARLEY_NAME and PARLEY_PASSWORD are its account
//
// It takes care of what a bot should: after a lost connection it goes on after the last event it has seen, so no question
// is passed over; and an answer has a client_msg_id made from the question, so none is given twice.

import { io } from "socket.io-client";

const [url = "http://127.0.0.1:8080", channelName = "general"] = process.argv.slice(2);
const { PARLEY_NAME: name, PARLEY_PASSWORD: password } = process.env;

/** A command over HTTP: the result, or an error that says what is wrong. */
async function call(command, params, token) {
  const response = await fetch(`${url}/api/v1/${command}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    body: JSON.stringify(params),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(`${command}: ${body.detail ?? body.title}`);
  return body;
}

const { token, user } = await call("auth.login", { name, password });
const { channel } = await call("channel.get", { channel: `#${channelName}` }, token);
await call("channel.join", { channel: channel.id }, token);

const streams = {}; // how far the bot has read, per stream
const socket = io(url, { auth: (give) => give({ token, streams }) });

let work = Promise.resolve(); // one thing after the other: a position is only set when everything before it is done
const later = (step) => (work = work.then(step));

socket.on("session.started", ({ channels }) => {
  // A stream that could not be resumed goes on from its end: what was missed is not answered any more.
  const anew = channels.filter((c) => !c.resumed);
  later(() => anew.forEach(({ id, epoch, seq }) => (streams[`c:${id}`] = { epoch, seq })));
  console.log(`${user.name} listens in #${channelName}`);
});

socket.on("message.created", ({ stream, epoch, seq, message }) =>
  later(async () => {
    const at = streams[stream];
    if (at?.epoch === epoch && at.seq >= seq) return; // repeated after a lost connection, and done by now
    if (message.channel === channel.id && message.author !== user.id) await answer(message);
    streams[stream] = { epoch, seq };
  }),
);

socket.on("connect_error", (error) => {
  if (socket.active) return console.error(`${error.message}; trying again`);
  console.error(`refused: ${error.message}`);
  process.exit(1);
});
socket.on("disconnect", (reason) => {
  if (!socket.active) process.exit(reason === "io client disconnect" ? 0 : 1); // the session has ended
});

async function answer({ id, text = "" }) {
  const [word, ...rest] = text.split(" ");
  const reply = { "!echo": () => rest.join(" "), "!time": () => new Date().toISOString() }[word]?.();
  if (!reply) return;
  const { error } = await send({ channel: channel.id, text: reply, client_msg_id: `reply-${id}` });
  if (error) console.error(`message.send: ${error.message}`);
}

/** Sends until there is an answer: when the connection breaks before, once more when it is back. */
async function send(message) {
  for (;;) {
    try {
      return await socket.emitWithAck("message.send", message);
    } catch {
      // Not known whether it arrived. The client_msg_id makes it one message all the same.
    }
  }
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => socket.disconnect());
