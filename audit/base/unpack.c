#include "base/unpack.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>

enum {
	PIECE = 1 << 20,     /* packed bytes given to zlib at a time */
	GZIP_ONLY = 15 + 16, /* inflateInit2: the largest window, a gzip header */
};

struct unpack {
	enum packing kind;
	struct view packed;
	size_t at; /* in packed */
	const char *file;
	bool inside; /* a member or frame has begun and not ended */
	z_stream z;
	ZSTD_DStream *zstd;
};

enum packing unpack_kind(struct view v)
{
	const uint8_t *p = (const uint8_t *)v.p;

	if (v.n >= 2 && p[0] == 0x1f && p[1] == 0x8b)
		return PACKED_GZIP;
	if (v.n >= 4 && p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd)
		return PACKED_ZSTD;
	return PACKED_NOT;
}

int unpack_open(struct unpack **out, struct view packed, const char *file, struct err *e)
{
	struct unpack *u = mem_alloc(1, sizeof(*u));
	bool ok;

	*u = (struct unpack){ .kind = unpack_kind(packed), .packed = packed, .file = file };
	if (u->kind == PACKED_GZIP)
		ok = inflateInit2(&u->z, GZIP_ONLY) == Z_OK;
	else
		ok = (u->zstd = ZSTD_createDStream()) != NULL;
	if (!ok) {
		mem_free(u);
		return err_set(e, ERR_SIZE, "%s: no memory to unpack it", file);
	}
	*out = u;
	return 0;
}

void unpack_close(struct unpack *u)
{
	if (u == NULL)
		return;
	if (u->kind == PACKED_GZIP)
		inflateEnd(&u->z);
	ZSTD_freeDStream(u->zstd);
	mem_free(u);
}

size_t unpack_used(const struct unpack *u)
{
	return u->at;
}

static const char *packer(const struct unpack *u)
{
	return u->kind == PACKED_GZIP ? "gzip" : "zstd";
}

static int damaged(const struct unpack *u, const char *why, struct err *e)
{
	return err_set(e, ERR_INPUT, "%s: damaged %s data near its byte %zu: %s", u->file, packer(u), u->at,
		       why);
}

/* Some of p[0..n); 0 bytes at a time are fine as long as packed ones were used. */
static int gzip_some(size_t *got, struct unpack *u, char *p, size_t n, struct err *e)
{
	size_t left = u->packed.n - u->at, give = left < PIECE ? left : PIECE;
	int status;

	if (!u->inside && u->at > 0 && inflateReset(&u->z) != Z_OK)
		return damaged(u, "no further member can be read", e);
	/* zlib's prototype is older than const. */
	u->z.next_in = (Bytef *)(uintptr_t)(u->packed.p + u->at);
	u->z.avail_in = (uInt)give;
	u->z.next_out = (Bytef *)p;
	u->z.avail_out = (uInt)(n < PIECE ? n : PIECE);
	*got = u->z.avail_out;
	status = inflate(&u->z, Z_NO_FLUSH);
	u->at += give - u->z.avail_in;
	*got -= u->z.avail_out;
	if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
		return damaged(u, u->z.msg != NULL ? u->z.msg : "not what gzip writes", e);
	u->inside = status != Z_STREAM_END;
	return 0;
}

static int zstd_some(size_t *got, struct unpack *u, char *p, size_t n, struct err *e)
{
	ZSTD_inBuffer in = { u->packed.p + u->at, u->packed.n - u->at, 0 };
	ZSTD_outBuffer out = { p, n, 0 };
	size_t status = ZSTD_decompressStream(u->zstd, &out, &in);

	u->at += in.pos;
	*got = out.pos;
	if (ZSTD_isError(status))
		return damaged(u, ZSTD_getErrorName(status), e);
	u->inside = status != 0;
	return 0;
}

int unpack_read(size_t *got, struct unpack *u, char *p, size_t n, struct err *e)
{
	for (*got = 0; *got < n;) {
		size_t some = 0, before = u->at;
		bool end = u->at == u->packed.n;

		if (end && !u->inside)
			break;
		if ((u->kind == PACKED_GZIP ? gzip_some(&some, u, p + *got, n - *got, e)
					    : zstd_some(&some, u, p + *got, n - *got, e)) < 0)
			return -1;
		*got += some;
		if (some == 0 && u->at == before && u->inside)
			return err_set(e, ERR_INPUT,
				       "%s: its %s data end early, after %zu bytes; the file is cut off",
				       u->file, packer(u), u->packed.n);
	}
	return 0;
}
