// Two of Parley's commands as one writes them with Express and better-sqlite3: the same tables'
// worth of data, the same authentication, the same checks, answers of the same form.
//   express.mjs PEOPLE DATABASE USERS MESSAGES
// PEOPLE has a line each, token and channel; every channel gets MESSAGES messages.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Database from 'better-sqlite3';
import express from 'express';
import { listen } from './listen.mjs';

const [peopleFile, databaseFile, users, messages] = process.argv.slice(2);

const database = new Database(databaseFile);
database.pragma('journal_mode = WAL');
database.exec(`
    CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT UNIQUE, display_name TEXT, role TEXT, created_at TEXT) WITHOUT ROWID;
    CREATE TABLE sessions (token_hash BLOB PRIMARY KEY, user TEXT, expires_at INTEGER) WITHOUT ROWID;
    CREATE TABLE members (channel TEXT, user TEXT, PRIMARY KEY (channel, user)) WITHOUT ROWID;
    CREATE TABLE messages (channel TEXT, seq INTEGER, id TEXT, author TEXT, text TEXT, client_msg_id TEXT, created_at TEXT,
        PRIMARY KEY (channel, seq)) WITHOUT ROWID;
`);

const hashOf = (token) => createHash('sha256').update(token).digest();

function fill() {
    const now = new Date().toISOString();
    const addUser = database.prepare('INSERT INTO users VALUES (?, ?, ?, ?, ?)');
    const addSession = database.prepare('INSERT INTO sessions VALUES (?, ?, ?)');
    const addMember = database.prepare('INSERT INTO members VALUES (?, ?)');
    const addMessage = database.prepare('INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)');
    const ids = Array.from({ length: Number(users) }, () => randomUUID());
    ids.forEach((id, i) => addUser.run(id, `member-${i}`, `member-${i}`, 'member', now));
    const people = readFileSync(peopleFile, 'utf8').trim().split('\n').map((line) => line.split(' '));
    people.forEach(([token, channel], i) => {
        addSession.run(hashOf(token), ids[i], Date.now() + 86_400_000);
        addMember.run(channel, ids[i]);
    });
    const text = 'and so the talk goes on in ordinary words of ordinary length '.repeat(2).slice(0, 100);
    const authors = new Map(people.map(([, channel], i) => [channel, ids[i]]));
    for (const [channel, author] of authors) {
        for (let seq = 1; seq <= Number(messages); seq++) {
            addMessage.run(channel, seq, randomUUID(), author, text, seq.toString(16).padStart(14, '0'), now);
        }
    }
}
database.transaction(fill)();

const sessionOf = database.prepare('SELECT user, expires_at FROM sessions WHERE token_hash = ?');
const memberOf = database.prepare('SELECT 1 FROM members WHERE channel = ? AND user = ?').pluck();
const newest = database.prepare('SELECT * FROM messages WHERE channel = ? ORDER BY seq DESC LIMIT ?');
const userById = database.prepare('SELECT * FROM users WHERE id = ?');
const userByName = database.prepare('SELECT * FROM users WHERE name = ?');

const app = express();
app.use(express.json());
app.use((request, response, next) => {
    const token = /^Bearer (\S+)$/.exec(request.get('authorization') ?? '')?.[1];
    const session = token && sessionOf.get(hashOf(token));
    if (!session || session.expires_at < Date.now()) return response.status(401).json({ type: 'unauthorized' });
    request.user = session.user;
    return next();
});

app.post('/api/v1/message.history', (request, response) => {
    const { channel, limit = 50 } = request.body;
    if (typeof channel !== 'string' || !Number.isInteger(limit) || limit < 1 || limit > 200) {
        return response.status(400).json({ type: 'invalid_params' });
    }
    if (!memberOf.get(channel, request.user)) return response.status(404).json({ type: 'not_found' });
    const rows = newest.all(channel, limit + 1);
    const page = rows.slice(0, limit).reverse();
    const authors = [...new Set(page.map(({ author }) => author))].map((id) => userById.get(id));
    return response.json({ messages: page, more_before: rows.length > limit, more_after: false, users: authors });
});

app.post('/api/v1/user.get', (request, response) => {
    const { user } = request.body;
    if (typeof user !== 'string') return response.status(400).json({ type: 'invalid_params' });
    const found = user.startsWith('@') ? userByName.get(user.slice(1)) : userById.get(user);
    return found ? response.json({ user: found }) : response.status(404).json({ type: 'not_found' });
});

listen(createServer(app));
