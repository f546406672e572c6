// A standard client that does nothing about recovery by itself, in Node and in a page: it connects, and NOTE gets what happens.
// Gives a function that ends it.

export function watch(io, { url, token, transports, recovery }, note) {
  const socket = io(url, {
    transports,
    auth: { token, ...(recovery !== undefined && { recovery }) },
    forceNew: true,
    reconnectionDelay: 20,
    reconnectionDelayMax: 20,
  });
  socket.on("connect", () => note({ connected: true, recovered: Boolean(socket.recovered) }));
  socket.on("session.started", ({ server }) => note({ started: server.node }));
  socket.on("message.created", ({ message }, ...rest) => note({ text: message.text, rest: rest.length }));
  socket.on("session.offset", () => note({ offset: true }));
  return () => socket.disconnect();
}
