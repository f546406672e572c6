// What a scenario of the cluster needs: sizes, people, nodes, the peer, and ways to load them.
import { mkdir, rm } from 'node:fs/promises';
import { Load, Server } from '../harness/processes.mjs';
import { Parley } from '../harness/parley.mjs';
import { Progress } from '../harness/progress.mjs';
import { ClusterWorlds } from './worlds.mjs';

const PEER = new URL('../peers/socketio_store.mjs', import.meta.url).pathname;

export const FULL = {
    rounds: 3,
    people: 1000,
    soloists: 200,
    writers: 30,
    seconds: 5,
    warm: 2,
    messages: 1_000_000,
    fillSeconds: 10,
    connections: 10_000,
};

export const QUICK = {
    rounds: 1,
    people: 60,
    soloists: 40,
    writers: 30,
    seconds: 1.5,
    warm: 0.5,
    messages: 10_000,
    fillSeconds: 1,
    connections: 600,
};

export class ClusterBench {
    constructor({ programs, sizes, scratch, services, steps }) {
        this.programs = programs;
        this.sizes = sizes;
        this.scratch = scratch;
        this.services = services;
        this.progress = new Progress(steps);
        this.worlds = new ClusterWorlds(this);
        this.started = 0;
    }

    get store() {
        return this.services.database('parley_bench');
    }

    async startNode(options) {
        const name = `node-${++this.started}`;
        const data = `${this.scratch}/${name}`;
        await mkdir(data, { recursive: true });
        const { redis } = this.services;
        return Parley.start(this.programs.parleyd, data, {
            ...options,
            args: ['--store', this.store, '--bus', redis.uri, '--node-name', name, ...(options?.args ?? [])],
        });
    }

    // WORK gets COUNT nodes that know each other, and its result is returned.
    async withNodes(count, work, options) {
        const nodes = [];
        try {
            for (let i = 0; i < count; i++) nodes.push(await this.startNode(options));
            await Promise.all(nodes.map((node) => node.ready()));
            return await work(nodes);
        } finally {
            await Promise.all(nodes.map((node) => node.stop()));
            await Promise.all(nodes.map(({ data }) => rm(data, { recursive: true, force: true })));
        }
    }

    async withPeer(work) {
        const server = await Server.start(process.execPath, [PEER], {
            env: {
                ...process.env,
                PEER_MONGO: this.services.database('peer_bench'),
                PEER_REDIS: this.services.redis.uri,
            },
        });
        try {
            return await work([server]);
        } finally {
            await server.stop();
        }
    }

    generator(nodes, options, mode = 'traffic') {
        return new Load(this.programs.load, mode, {
            port: nodes.map(({ port }) => port).join(','),
            pid: nodes.map(({ pid }) => pid).join(','),
            warm: this.sizes.warm,
            seconds: this.sizes.seconds,
            ...options,
        });
    }

    // Load NODES. The result has in `services` how many processors Redis and the database kept
    // busy meanwhile; they are not `others`. What OBSERVE gives at the beginning and at the end of
    // what is measured is in `observed`.
    async load(nodes, options, observe = async () => {}) {
        const load = this.generator(nodes, options);
        await load.phase('measuring');
        const before = this.services.cpu();
        const first = await observe();
        await load.phase('measured');
        const after = this.services.cpu();
        const last = await observe();
        const result = await load.result();
        result.observed = [first, last];
        result.services = Object.fromEntries(
            Object.keys(after).map((name) => [name, (after[name] - before[name]) / result.seconds]),
        );
        result.others_cpu -= Object.values(result.services).reduce((sum, cpu) => sum + cpu, 0);
        return result;
    }
}
