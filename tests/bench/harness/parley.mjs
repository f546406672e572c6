// A parleyd for measurements, and what it takes to fill it with people and channels.
import { setTimeout as delay } from 'node:timers/promises';
import { Server } from './processes.mjs';

// Everybody connects from one machine and nobody is a stranger here: the limits that
// protect a public server are off, everything else is as shipped.
const SETTINGS = {
    PARLEY_RATE_LIMITS: 'off',
    PARLEY_MAX_CONNECTIONS_PER_ADDRESS: '0',
    PARLEY_LOG_LEVEL: 'warn',
};

const BUSY_RETRIES = 100;

export class Parley {
    static async start(program, data, { port = 0, free = false, settings = {}, args = [] } = {}) {
        const parley = new Parley();
        parley.data = data;
        parley.server = await Server.start(
            program,
            ['--listen', `127.0.0.1:${port}`, '--data', data, '--workers', '1', ...args],
            { free, env: { ...process.env, ...SETTINGS, ...settings } },
        );
        return parley;
    }

    get port() {
        return this.server.port;
    }

    get pid() {
        return this.server.pid;
    }

    async call(command, parameters, token) {
        for (let attempt = 0; ; attempt++) {
            const response = await fetch(`http://127.0.0.1:${this.port}/api/v1/${command}`, {
                method: 'POST',
                headers: {
                    'content-type': 'application/json',
                    ...(token && { authorization: `Bearer ${token}` }),
                },
                body: JSON.stringify(parameters),
            });
            const body = await response.json();
            if (response.ok) return body;
            if (response.status !== 429 || attempt === BUSY_RETRIES) {
                throw new Error(`${command}: ${response.status} ${JSON.stringify(body)}`);
            }
            await delay(body.retry_after_ms ?? 200);
        }
    }

    async metrics() {
        const response = await fetch(`http://127.0.0.1:${this.port}/metrics`);
        const values = new Map();
        for (const line of (await response.text()).split('\n')) {
            const match = /^(parley_[^ ]+) ([^ ]+)/.exec(line);
            if (match) values.set(match[1], Number(match[2]));
        }
        return values;
    }

    async ready() {
        for (;;) {
            const response = await fetch(`http://127.0.0.1:${this.port}/readyz`);
            await response.text();
            if (response.ok) return process.hrtime.bigint();
            await delay(2);
        }
    }

    stop(signal) {
        return this.server.stop(signal);
    }
}
