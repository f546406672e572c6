// Every server of the benchmarks listens on a free port and says which.
export function listen(server) {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
        console.log(`listening on http://127.0.0.1:${server.address().port}`);
    });
}
