// The conversation of conversation.mjs with socket.io-client 3.x or 4.x, in Node and in a browser. `say` gets the lines,
// `go` is a promise for the line that it waits for.

export async function hold(io, [url, name, password, room, way, token], say, go) {
  token ??= await signIn(url, name, password);
  const socket = io(url, { transports: way.split(","), auth: { token }, reconnection: false });
  socket.on("connect_error", (error) => say(`connect_error ${error.message} ${JSON.stringify(error.data)}`));
  const position = {};
  const received = queue();
  socket.on("message.created", ({ stream, epoch, seq, message }) => {
    position[stream] = { epoch, seq };
    received.put(message);
  });
  const command = (method, params) => new Promise((resolve) => socket.emit(method, params, resolve));
  const started = () => new Promise((resolve) => socket.once("session.started", resolve));

  const { user } = await started();
  say(`started ${user.name}`);
  const { channel } = (await command("channel.join", { channel: room })).result;
  say(`joined ${channel.name}`);
  const sent = await command("message.send", { channel: channel.id, text: `hello from ${name}` });
  say(`sent ${sent.result.message.text}`);
  const refused = await command("message.send", { channel: "nosuch", text: "?" });
  say(`refused ${refused.error.data.type}`);
  let message;
  do message = await received.take();
  while (message.author === user.id);
  say(`received ${message.text}`);

  socket.disconnect();
  say("gone");
  await go();
  socket.auth = { token, streams: position };
  socket.connect();
  const { channels } = await started();
  say(`resumed ${channels.find((c) => c.id === channel.id).resumed}`);
  do say(`again ${(message = await received.take()).text}`);
  while (message.text !== "live again");
  socket.disconnect();
  say("done");
}

async function signIn(url, name, password) {
  const response = await fetch(`${url}/api/v1/auth.login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name, password }),
  });
  const { token } = await response.json();
  return token;
}

/** Values in the order they came, for who asks later or earlier. */
function queue() {
  const values = [];
  const takers = [];
  return {
    put: (value) => (takers.length > 0 ? takers.shift()(value) : values.push(value)),
    take: () => new Promise((resolve) => (values.length > 0 ? resolve(values.shift()) : takers.push(resolve))),
  };
}
