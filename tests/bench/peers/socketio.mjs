// A chat with Express and Socket.IO, as their guides write it: everybody joins
// one room, and a message is sent to the room. Nothing is stored.
import { createServer } from 'node:http';
import express from 'express';
import { Server } from 'socket.io';
import { listen } from './listen.mjs';

const server = createServer(express());
const io = new Server(server, {
    transports: [process.argv[2] ?? 'websocket'],
    serveClient: false,
    perMessageDeflate: false,
});

io.on('connection', (socket) => {
    socket.join('room');
    socket.on('message', (text) => {
        io.to('room').emit('message', { from: socket.id, text });
    });
});

listen(server);
