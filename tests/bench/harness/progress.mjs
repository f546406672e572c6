// One line on stderr that says what is being measured; plain lines without a terminal.
const MIN_INTERVAL_MS = 200;

export class Progress {
    constructor(total) {
        this.total = total;
        this.done = 0;
        this.label = '';
        this.startedMs = Date.now();
        this.notedMs = 0;
    }

    step(label) {
        this.label = label;
        this.draw(label);
        this.done++;
    }

    // What is going on within a step; too often is dropped.
    note(text) {
        if (!process.stderr.isTTY || Date.now() - this.notedMs < MIN_INTERVAL_MS) return;
        this.notedMs = Date.now();
        this.draw(`${this.label}: ${text}`);
    }

    say(text) {
        process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}\n` : `${text}\n`);
    }

    draw(text) {
        const percent = Math.min(99, Math.floor((100 * this.done) / this.total));
        const elapsed = Math.round((Date.now() - this.startedMs) / 1000);
        const line = `[${String(percent).padStart(2)}%] ${elapsed} s  ${text}`;
        const width = process.stderr.columns ?? 100;
        process.stderr.write(
            process.stderr.isTTY ? `\r\x1b[K${line.slice(0, width - 1)}` : `${line}\n`,
        );
    }

    end() {
        if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    }
}
