#include "base/log.h"
#include "base/json.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds between two lines of one stage; the last line always comes. */
static const double pause_of[] = { [LOG_AUTO] = 0.1, [LOG_LINES] = 2, [LOG_JSON] = 0.5, [LOG_NEVER] = 0 };

/* The state of one screen. stderr's own lock guards it: whoever talks holds the screen. */
static struct {
	enum log_mode mode;
	bool open; /* log_open() was called */
	FILE *copy;
	char stage[64]; /* of the last progress */
	double began, said;
	bool line; /* a line without its end stands on the terminal */
} screen;

double log_clock(void)
{
	struct timespec t;

	BUG_ON(clock_gettime(CLOCK_MONOTONIC, &t) != 0);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static enum log_mode mode_now(void)
{
	if (screen.open && screen.mode != LOG_AUTO)
		return screen.mode;
	return isatty(STDERR_FILENO) ? LOG_AUTO : LOG_LINES;
}

void log_open(enum log_mode mode)
{
	flockfile(stderr);
	screen.mode = mode;
	screen.open = true;
	funlockfile(stderr);
}

int log_copy(const char *path, struct err *e)
{
	FILE *f = path ? fopen(path, "w") : NULL;

	if (path && !f)
		return err_sys(e, "write", path);
	flockfile(stderr);
	if (screen.copy)
		(void)fclose(screen.copy);
	screen.copy = f;
	funlockfile(stderr);
	return 0;
}

static void end_line(void)
{
	if (screen.line)
		fputs("\n", stderr);
	screen.line = false;
}

static void say(const char *event, const char *prefix, const char *text)
{
	flockfile(stderr);
	end_line();
	if (mode_now() == LOG_JSON) {
		struct str s = STR_INIT;
		struct json_out j = JSON_TO_STR(&s);

		j.compact = true;
		json_open(&j, NULL, '{');
		json_puts(&j, "event", event);
		json_puts(&j, "text", text);
		json_close(&j, '}');
		fprintf(stderr, "%s\n", s.p);
		str_release(&s);
	} else {
		fprintf(stderr, "%s%s\n", prefix, text);
	}
	if (screen.copy) {
		fprintf(screen.copy, "%s%s\n", prefix, text);
		fflush(screen.copy);
	}
	funlockfile(stderr);
}

PRINTF_LIKE(3, 0)
static void say_line(const char *event, const char *prefix, const char *fmt, va_list ap)
{
	struct err line; /* its message is one clean line of text, which is all that is wanted here */
	char text[sizeof(line.msg)];

	vsnprintf(text, sizeof(text), fmt, ap);
	err_set(&line, ERR_NONE, "%s", text);
	say(event, prefix, line.msg);
}

void log_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_line("note", "", fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_line("warning", "warning: ", fmt, ap);
	va_end(ap);
}

struct progress {
	const char *stage, *detail;
	uint64_t done, total;
	double tokens, left; /* a second; seconds. Below 0: not known */
};

static void progress_json(const struct progress *p)
{
	struct str s = STR_INIT;
	struct json_out j = JSON_TO_STR(&s);

	j.compact = true;
	json_open(&j, NULL, '{');
	json_puts(&j, "event", "progress");
	json_puts(&j, "stage", p->stage);
	json_put_size(&j, "done", p->done);
	json_put_size(&j, "total", p->total);
	if (p->tokens >= 0)
		json_put_size(&j, "tokens_per_second", (uint64_t)p->tokens);
	json_puts(&j, "detail", p->detail);
	if (p->left >= 0)
		json_put_size(&j, "seconds_left", (uint64_t)p->left);
	json_close(&j, '}');
	fprintf(stderr, "%s\n", s.p);
	str_release(&s);
}

static void progress_text(const struct progress *p)
{
	double left = p->left;
	bool rewrite = mode_now() == LOG_AUTO;

	if (rewrite)
		fputs("\r\033[K", stderr);
	else
		end_line();
	fprintf(stderr, "%s: %" PRIu64 " of %" PRIu64, p->stage, p->done, p->total);
	if (p->tokens >= 0)
		fprintf(stderr, ", %.0f tokens/s", p->tokens);
	if (p->detail && *p->detail)
		fprintf(stderr, ", %s", p->detail);
	if (left >= 3600)
		fprintf(stderr, ", %.1f h left", left / 3600);
	else if (left >= 60)
		fprintf(stderr, ", %.0f min left", left / 60);
	else if (left >= 1)
		fprintf(stderr, ", %.0f s left", left);
	screen.line = rewrite;
	if (p->done >= p->total) {
		screen.line = false;
		fputs("\n", stderr);
	} else if (!rewrite) {
		fputs("\n", stderr);
	}
}

static void progress(struct progress p)
{
	double now = log_clock();
	enum log_mode mode;
	bool first;

	flockfile(stderr);
	mode = mode_now();
	first = strncmp(screen.stage, p.stage, sizeof(screen.stage) - 1) != 0;
	if (first) {
		snprintf(screen.stage, sizeof(screen.stage), "%s", p.stage);
		screen.began = now;
		screen.said = now - 1e9;
	}
	if (mode != LOG_NEVER && (p.done >= p.total || now - screen.said >= pause_of[mode])) {
		if (p.done > 0 && p.done < p.total && now - screen.began > 0.5)
			p.left = (now - screen.began) / (double)p.done * (double)(p.total - p.done);
		if (mode == LOG_JSON)
			progress_json(&p);
		else
			progress_text(&p);
		screen.said = now;
	}
	if (p.done >= p.total)
		screen.stage[0] = '\0';
	funlockfile(stderr);
}

void log_progress(const char *stage, uint64_t done, uint64_t total, const char *detail)
{
	progress((struct progress){
		.stage = stage, .detail = detail, .done = done, .total = total, .tokens = -1, .left = -1 });
}

void log_pace(const char *stage, uint64_t done, uint64_t total, double tokens_per_second, const char *detail)
{
	progress((struct progress){ .stage = stage,
				    .detail = detail,
				    .done = done,
				    .total = total,
				    .tokens = tokens_per_second,
				    .left = -1 });
}
