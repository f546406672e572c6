/* metrics_process.h - what the kernel knows about this process, under the names that Prometheus
 * clients use everywhere (process_resident_memory_bytes, ...). For metrics.c. Threading: any.
 */
#ifndef SERVER_METRICS_PROCESS_H
#define SERVER_METRICS_PROCESS_H

struct buf;

/* Notes the time of the start. */
void metrics_process_init(void);
void metrics_process_render(struct buf *out);

#endif
