#include "base/linefile.h"

#include "base/map.h"
#include "base/unpack.h"

#include <stdbool.h>
#include <string.h>

enum { PIECE = 1 << 18, DROP = 16 << 20 };

struct linefile {
	const char *path;
	struct map map;
	struct unpack *unpack; /* NULL: the bytes are in the map as they are */
	size_t at, dropped;    /* in the map, or in `held` */
	struct str held;       /* unpacked and not given yet, from `at` on */
	uint64_t number, offset;
	bool end; /* there is no more to unpack */
};

int linefile_open(struct linefile **out, const char *path, struct err *e)
{
	struct linefile *l = mem_alloc(1, sizeof(*l));
	struct view bytes;

	l->path = path;
	if (map_open(&l->map, path, e) < 0)
		goto fail;
	bytes = (struct view){ (const char *)l->map.p, l->map.n };
	if (unpack_kind(bytes) != PACKED_NOT && unpack_open(&l->unpack, bytes, path, e) < 0)
		goto fail;
	*out = l;
	return 0;
fail:
	linefile_close(l);
	return -1;
}

void linefile_close(struct linefile *l)
{
	if (l == NULL)
		return;
	unpack_close(l->unpack);
	map_close(&l->map);
	str_release(&l->held);
	mem_free(l);
}

size_t linefile_used(const struct linefile *l)
{
	return l->unpack != NULL ? unpack_used(l->unpack) : l->at;
}

bool linefile_is_packed(const struct linefile *l)
{
	return l->unpack != NULL;
}

/* More of the unpacked text behind what is held. */
static int more(struct linefile *l, struct err *e)
{
	char piece[PIECE];
	size_t got;

	if (l->at > 0) {
		memmove(l->held.p, l->held.p + l->at, l->held.n - l->at);
		l->held.n -= l->at;
		l->at = 0;
	}
	if (unpack_read(&got, l->unpack, piece, sizeof(piece), e) < 0)
		return -1;
	str_add(&l->held, piece, got);
	l->end = got < sizeof(piece);
	return 0;
}

/* What is there from the next line on, and how much of it is the line without its LF; SIZE_MAX where none was found. */
static size_t line_find(struct view *rest, const struct linefile *l, size_t from)
{
	const char *file = l->map.n > 0 ? (const char *)l->map.p : "";
	struct view all = l->unpack == NULL ? (struct view){ file, l->map.n } : str_view(&l->held);
	const char *lf;

	*rest = (struct view){ all.p + l->at, all.n - l->at };
	lf = rest->n > from ? memchr(rest->p + from, '\n', rest->n - from) : NULL;
	return lf != NULL ? (size_t)(lf - rest->p) : SIZE_MAX;
}

static int too_long(const struct linefile *l, struct err *e)
{
	return err_set(e, ERR_INPUT, "%s: line %llu is longer than %d MiB, the most that is read", l->path,
		       (unsigned long long)l->number, LINE_MOST >> 20);
}

int linefile_next(struct line *out, struct linefile *l, struct err *e)
{
	struct view rest;
	size_t n = line_find(&rest, l, 0), step;

	l->number++;
	while (n == SIZE_MAX && l->unpack != NULL && !l->end) {
		size_t searched = rest.n;

		if (searched > LINE_MOST)
			return too_long(l, e);
		if (more(l, e) < 0)
			return -1;
		n = line_find(&rest, l, searched);
	}
	if (n == SIZE_MAX && rest.n == 0)
		return 0;
	step = n == SIZE_MAX ? rest.n : n + 1;
	if (step > LINE_MOST)
		return too_long(l, e);
	*out = (struct line){ .text = { rest.p, n == SIZE_MAX ? rest.n : n },
			      .number = l->number,
			      .offset = l->offset };
	l->at += step;
	l->offset += step;
	if (l->unpack == NULL && l->at - l->dropped > step + DROP) {
		map_drop(&l->map, l->dropped, l->at - step - l->dropped);
		l->dropped = l->at - step;
	}
	if (out->text.n > 0 && out->text.p[out->text.n - 1] == '\r')
		out->text.n--;
	if (l->number == 1 && view_starts(out->text, "\xef\xbb\xbf")) {
		out->text = (struct view){ out->text.p + 3, out->text.n - 3 };
		out->offset = 3;
	}
	return 1;
}
