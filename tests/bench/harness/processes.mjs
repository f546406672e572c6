// Starts servers and load generators, each on its own core, and ends what it started.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { availableParallelism } from 'node:os';

const SERVER_CORE = '1';
const LOAD_CORE = '0';
const ALL_CORES = `0-${availableParallelism() - 1}`;
const START_TIMEOUT_MS = 30_000;
const ANNOUNCEMENT = /listening on http:\/\/127\.0\.0\.1:(\d+)/;

const running = new Set();

export const hasTwoCores = () => availableParallelism() >= 2;

function start(core, command, args, options = {}) {
    const child = spawn('taskset', ['-c', core, command, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        ...options,
    });
    running.add(child);
    child.errors = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
        child.errors = (child.errors + text).slice(-4000);
    });
    child.ended = new Promise((resolve) => {
        child.on('close', (code, signal) => {
            running.delete(child);
            resolve({ code, signal });
        });
        child.on('error', (error) => {
            running.delete(child);
            child.errors += error.message;
            resolve({ code: -1, signal: null });
        });
    });
    return child;
}

export class Server {
    // Start COMMAND on the server's core, or FREE on any, and wait until it says where it
    // listens.
    static async start(command, args, { free = false, ...options } = {}) {
        const server = new Server();
        server.startedNs = process.hrtime.bigint();
        server.child = start(free ? ALL_CORES : SERVER_CORE, command, args, options);
        server.port = await new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                server.child.kill('SIGKILL');
                reject(new Error(`${command} did not listen within ${START_TIMEOUT_MS} ms`));
            }, START_TIMEOUT_MS);
            createInterface({ input: server.child.stdout }).on('line', (line) => {
                const match = ANNOUNCEMENT.exec(line);
                if (!match) return;
                server.listenedNs = process.hrtime.bigint();
                clearTimeout(timer);
                resolve(Number(match[1]));
            });
            server.child.ended.then(({ code }) => {
                clearTimeout(timer);
                reject(new Error(`${command} ended with ${code}: ${server.child.errors}`));
            });
        });
        return server;
    }

    get pid() {
        return this.child.pid;
    }

    get alive() {
        return running.has(this.child);
    }

    async stop(signal = 'SIGTERM') {
        if (!this.alive) return;
        this.child.kill(signal);
        await this.child.ended;
    }
}

function flags(options) {
    return Object.entries(options).flatMap(([name, value]) => {
        if (value === undefined || value === false) return [];
        return value === true ? [`--${name}`] : [`--${name}`, String(value)];
    });
}

export class Load {
    constructor(program, mode, options) {
        this.objects = [];
        this.waiting = [];
        this.child = start(LOAD_CORE, program, [mode, ...flags(options)]);
        createInterface({ input: this.child.stdout }).on('line', (line) => {
            const object = JSON.parse(line);
            this.objects.push(object);
            this.waiting.filter(({ phase }) => phase === object.phase).forEach((w) => w.reached());
        });
    }

    // Resolves when the generator says that it has reached PHASE, or ends.
    phase(phase) {
        const reached = new Promise((resolve) => this.waiting.push({ phase, reached: resolve }));
        return Promise.race([reached, this.child.ended]);
    }

    // The last object printed; a run that was not valid says so in `fault`.
    async result() {
        const { code } = await this.child.ended;
        const last = this.objects.at(-1);
        const fault = this.child.errors.trim();
        if (!last) throw new Error(`the load generator measured nothing: ${fault}`);
        return code === 0 ? last : { ...last, fault: fault || `the load generator ended with ${code}` };
    }
}

// Run a program on the server's core to its end and read the JSON it prints.
export async function runOnServerCore(program, args) {
    const child = start(SERVER_CORE, program, args);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
        output += text;
    });
    const { code } = await child.ended;
    if (code !== 0) throw new Error(`${program} ended with ${code}: ${child.errors}`);
    return JSON.parse(output);
}

export function endAll() {
    for (const child of running) child.kill('SIGKILL');
}
