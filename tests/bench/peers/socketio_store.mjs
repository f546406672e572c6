// A chat with Express, Socket.IO and its Redis adapter that stores each message with one insert
// before it is acknowledged and sent to its room, as their guides write it. There is no order
// between messages, and a message that is sent again is stored twice.
import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import express from 'express';
import { MongoClient } from 'mongodb';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import { listen } from './listen.mjs';

const { PEER_MONGO, PEER_REDIS } = process.env;

const publisher = createClient({ url: PEER_REDIS });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);
const mongo = new MongoClient(PEER_MONGO, { writeConcern: { w: 'majority', journal: true } });
await mongo.connect();
const messages = mongo.db().collection('messages');
await messages.createIndex({ room: 1, _id: 1 });

const server = createServer(express());
const io = new Server(server, {
    transports: ['websocket'],
    serveClient: false,
    perMessageDeflate: false,
    adapter: createAdapter(publisher, subscriber),
});

io.on('connection', (socket) => {
    const { room } = socket.handshake.auth;
    socket.join(room);
    socket.on('message', async (text, done) => {
        const message = { room, from: socket.id, text, at: new Date() };
        try {
            await messages.insertOne(message);
        } catch (error) {
            console.error(error.message);
            done(false);
            return;
        }
        io.to(room).emit('message', message);
        done(true);
    });
});

listen(server);
