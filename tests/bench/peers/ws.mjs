// The least a Node server does with the package ws: pass each text on to all.
import { createServer } from 'node:http';
import { WebSocketServer, WebSocket } from 'ws';
import { listen } from './listen.mjs';

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

sockets.on('connection', (socket) => {
    socket.on('message', (data) => {
        const text = data.toString();
        for (const client of sockets.clients) {
            if (client.readyState === WebSocket.OPEN) client.send(text);
        }
    });
});

listen(server);
