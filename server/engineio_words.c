/* engineio_words.c - between a socket and its session, on the same worker or on two. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/engineio_session.h"
#include "server/frame.h"
#include "server/node.h"
#include "server/worker.h"

enum { SID_BYTES = 15 }; /* 20 letters */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void eio_sid_make(const struct worker *here, char sid_out[EIO_SID_SIZE])
{
    unsigned char random[SID_BYTES];

    random_bytes(random, sizeof(random));
    sid_out[0] = letters[here->index];
    (void)sodium_bin2base64(sid_out + 1, EIO_SID_SIZE - 1, random, sizeof(random),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool eio_sid_worker(const struct worker *here, const char *sid, unsigned *worker_out)
{
    const char *letter = sid[0] == '\0' ? NULL : strchr(letters, sid[0]);

    if (letter == NULL || strlen(sid) != EIO_SID_SIZE - 1 ||
        (size_t)(letter - letters) >= here->node->workers_n)
        return false;
    *worker_out = (unsigned)(letter - letters);
    return true;
}

static void words_free(struct eio_words *words)
{
    for (uint32_t i = 0; i < words->frames_n; i++)
        frame_unref(words->frames[i]);
    free(words->frames);
    free(words->token);
    buf_free(&words->data);
}

static void run_words(struct worker *worker, struct mail *mail)
{
    struct eio_words *words = container_of(mail, struct eio_words, mail);

    if (words->word < EIO_SAY_ANSWER)
        eio_hear(worker, words);
    else
        gateway_eio_hear(worker, words);
    words_free(words);
    free(words);
}

static void bring(struct worker *here, unsigned to, const struct eio_words *words)
{
    struct eio_words *mail = mem_alloc(sizeof(*mail));

    *mail = *words;
    mail->mail.run = run_words;
    if (to == here->index)
        run_words(here, &mail->mail);
    else
        mailbox_post(&here->node->workers[to]->box, &mail->mail);
}

void eio_ask(struct worker *here, const struct eio_words *words)
{
    unsigned to = here->index;

    (void)eio_sid_worker(here, words->sid, &to); /* what is no sid is not found here either */
    bring(here, to, words);
}

void eio_say(struct worker *here, const struct eio_words *words)
{
    bring(here, words->socket.worker, words);
}

void eio_say_answer(struct worker *here, struct eio_at to, int status, const char *text, size_t n)
{
    struct eio_words words = {.word = EIO_SAY_ANSWER, .socket = to, .code = status};

    buf_put(&words.data, text, n);
    eio_say(here, &words);
}

void eio_say_error(struct worker *here, struct eio_at to, enum eio_error error)
{
    struct eio_words words = {.word = EIO_SAY_ANSWER, .socket = to};

    words.code = eio_put_error(&words.data, error);
    eio_say(here, &words);
}

void eio_say_close(struct worker *here, struct eio_at to, enum ws_close code)
{
    eio_say(here, &(struct eio_words){.word = EIO_SAY_CLOSE, .socket = to, .code = (int)code});
}
