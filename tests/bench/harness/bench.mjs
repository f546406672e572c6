// What a scenario needs: programs, sizes, worlds, and ways to run one server under load.
import { mkdir, rm } from 'node:fs/promises';
import { Load, Server } from './processes.mjs';
import { Parley } from './parley.mjs';
import { Progress } from './progress.mjs';
import { Worlds } from './worlds.mjs';

const peer = (name) => new URL(`../peers/${name}.mjs`, import.meta.url).pathname;

export const FULL = {
    rounds: 3,
    people: 1000,
    soloists: 200,
    seconds: 5,
    warm: 1.5,
    messages: 1_000_000,
    fillSeconds: 10,
    connections: 10_000,
    scaling: [10, 100, 1000, 10_000],
};

export const QUICK = {
    rounds: 1,
    people: 100,
    soloists: 50,
    seconds: 1.5,
    warm: 0.5,
    messages: 20_000,
    fillSeconds: 1,
    connections: 1000,
    scaling: [10, 100, 1000],
};

export class Bench {
    constructor({ programs, sizes, scratch, steps }) {
        this.programs = programs;
        this.sizes = sizes;
        this.scratch = scratch;
        this.progress = new Progress(steps);
        this.worlds = new Worlds(this);
        this.peers = 0;
    }

    // Run the load generator against SERVER; options as in tests/bench/lib/options.h.
    async load(server, options, mode = 'traffic') {
        return new Load(this.programs.load, mode, {
            port: server.port,
            pid: server.pid,
            warm: this.sizes.warm,
            seconds: this.sizes.seconds,
            ...options,
        }).result();
    }

    async withServer(command, args, dialect, options, mode) {
        const server = await Server.start(command, args);
        try {
            return await this.load(server, { dialect, ...options }, mode);
        } finally {
            await server.stop();
        }
    }

    limit(options) {
        return this.withServer(this.programs.limit, [], 'echo', options);
    }

    ws(options) {
        return this.withServer(process.execPath, [peer('ws')], 'echo', options);
    }

    // MODE as of load(); TRANSPORT is one of Engine.IO's.
    socketio(options, { mode, transport = 'websocket' } = {}) {
        const dialect = transport === 'polling' ? 'socketio-polling' : 'socketio';
        return this.withServer(process.execPath, [peer('socketio'), transport], dialect, options, mode);
    }

    // The server with Express on data of its own; WORK gets it and its result is returned.
    async withExpress([people, users, messages], work) {
        const path = this.worlds.path(`express-${++this.peers}`);
        await mkdir(path);
        const args = [peer('express'), people, `${path}/peer.db`, String(users), String(messages)];
        const server = await Server.start(process.execPath, args, {
            env: { ...process.env, NODE_ENV: 'production' },
        });
        try {
            return await work(server);
        } finally {
            await server.stop();
            await rm(path, { recursive: true, force: true });
        }
    }

    // parleyd on the data in PATH; WORK gets it and its result is returned.
    async withParleyOn(path, work) {
        const parley = await Parley.start(this.programs.parleyd, path);
        try {
            return await work(parley);
        } finally {
            await parley.stop();
        }
    }

    // The same on a fresh copy of a world.
    async withParley(world, work) {
        const path = await this.worlds.copy(world);
        try {
            return await this.withParleyOn(path, work);
        } finally {
            await this.worlds.dispose(path);
        }
    }

    parley(people, options) {
        const world = people === 'rings' ? 'rings' : 'base';
        return this.withParley(world, (parley) =>
            this.load(parley, { people: this.worlds.people(people), ...options }),
        );
    }
}
