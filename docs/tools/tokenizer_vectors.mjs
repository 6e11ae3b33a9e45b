// Writes tests/vectors/tokenizer: small tokenizers of every kind, cut from two released ones, and what the
// reference (Hugging Face tokenizers 0.22.2) makes of a list of texts with each.  Run by hand:
//
//	npm install @anush008/tokenizers@0.6.0
//	node docs/tools/tokenizer_vectors.mjs BYTE_LEVEL/tokenizer.json SENTENCEPIECE/tokenizer.json tests/vectors/tokenizer
import { createRequire } from 'module';
import { readFileSync, writeFileSync } from 'fs';
const { Tokenizer } = createRequire(process.cwd() + '/')('@anush008/tokenizers');

const [bytePath, piecePath, folder] = process.argv.slice(2);

// A vocabulary of the single symbols, what the first `n` merges among them make, and after these all pairs of
// `pairs`: with those a difference in how a text is cut shows in the ids.
function cut(path, n, symbols, pairs)
{
	const { vocab, merges } = JSON.parse(readFileSync(path, 'utf8')).model;
	const token = Object.keys(vocab).filter(symbols).sort((a, b) => vocab[a] - vocab[b]);
	const have = new Set(token), kept = [], seen = new Set();
	const keep = (a, b) => {
		if (!have.has(a) || !have.has(b) || seen.has(a + ' ' + b))
			return;
		kept.push([a, b]);
		seen.add(a + ' ' + b);
		if (!have.has(a + b))
			token.push(a + b);
		have.add(a + b);
	};
	for (const m of merges)
		if (kept.length < n)
			keep(...(Array.isArray(m) ? m : m.split(' ')));
	for (const a of pairs)
		for (const b of pairs)
			keep(a, b);
	return { vocab: Object.fromEntries(token.map((t, i) => [t, i])), merges: kept };
}

const byteVocab = cut(bytePath, 150, (t) => [...t].length === 1, [...'ĠasEA12\'.-/ĊčĉÃ©æ¼ğĻ']);
const pieceVocab = cut(piecePath, 150, (t) => /^<.*>$/.test(t) || ([...t].length === 1 && (t < '\u0250' || t === '▁')),
	[...'▁asA12.\'-é']);
const model = { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null,
	fuse_unk: false, byte_fallback: false, ignore_merges: false };

const bytes = (more) => ({ type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false, ...more });
const split = (regex, behavior = 'Isolated', invert = false) =>
	({ type: 'Split', pattern: { Regex: regex }, behavior, invert });
const pre = (...pretokenizers) => ({ type: 'Sequence', pretokenizers });
const norm = (...normalizers) => ({ type: 'Sequence', normalizers });
const replace = (String, content) => ({ type: 'Replace', pattern: { String }, content });
const metaspace = (more) => ({ type: 'Metaspace', replacement: '▁', ...more });

function template(before, after, ids)
{
	const part = (t) => ({ SpecialToken: { id: t, type_id: 0 } });
	const single = [...before.map(part), { Sequence: { id: 'A', type_id: 0 } }, ...after.map(part)];
	return { type: 'TemplateProcessing', single, pair: [...single, { Sequence: { id: 'B', type_id: 1 } }],
		special_tokens: Object.fromEntries([...before, ...after].map((t) => [t, { id: t, ids: [ids[t]], tokens: [t] }])) };
}

// Added tokens with the ids they get: the vocabulary's, or the next free.
function added(model, list)
{
	let next = Object.keys(model.vocab).length;
	return list.map((t) => ({ id: t.content in model.vocab ? model.vocab[t.content] : next++, single_word: false,
		lstrip: false, rstrip: false, normalized: false, special: false, ...t }));
}

const special = (...contents) => contents.map((content) => ({ content, special: true }));
const LLAMA3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN = LLAMA3.replace('{1,3}', '');
const O200K = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const CL100K = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";
const DEEPSEEK = [split('\\p{N}{1,3}'), split('[一-龥぀-ゟ゠-ヿ]+'),
	split("[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+")];
const HAN = "[\\p{Han}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}&&[^\\p{Han}]]+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\s+";
const LLAMA2 = { type: 'Sequence', decoders: [replace('▁', ' '), { type: 'ByteFallback' }, { type: 'Fuse' },
	{ type: 'Strip', content: ' ', start: 1, stop: 0 }] };

const B = { ...model, ...byteVocab };
const P = { ...model, ...pieceVocab, unk_token: '<unk>', fuse_unk: true, byte_fallback: true };
const end = added(B, special('<|end|>', '<|pad|>'));
const byteKind = (more) => ({ added_tokens: end, decoder: bytes(), model: B, ...more });
const pieceKind = (more) => ({ added_tokens: added(P, special('<unk>', '<s>', '</s>')), decoder: LLAMA2, model: P, ...more });
const strips = added(B, [...special('<|end|>'), { content: '<l>', lstrip: true }, { content: '<r>', rstrip: true },
	{ content: '<b>', lstrip: true, rstrip: true, special: true }, { content: 'one', single_word: true },
	{ content: 'é', normalized: true }, { content: '   ', normalized: true }, { content: '  ', normalized: true },
	{ content: '<l>x' }]);

const kinds = {
	gpt2: byteKind({ pre_tokenizer: bytes({ use_regex: true }), post_processor: bytes({ trim_offsets: false }) }),
	prefix: byteKind({ pre_tokenizer: bytes({ add_prefix_space: true, use_regex: true }),
		post_processor: bytes({ add_prefix_space: true }) }),
	llama3: byteKind({ pre_tokenizer: pre(split(LLAMA3), bytes()), model: { ...B, ignore_merges: true },
		post_processor: { type: 'Sequence', processors: [bytes({ trim_offsets: false }),
			template(['<|pad|>'], ['<|end|>'], Object.fromEntries(end.map((t) => [t.content, t.id])))] } }),
	qwen: byteKind({ normalizer: { type: 'NFC' }, pre_tokenizer: pre(split(QWEN), bytes()),
		post_processor: bytes({ trim_offsets: false }) }),
	neox: byteKind({ normalizer: { type: 'NFC' }, pre_tokenizer: bytes({ use_regex: true }), post_processor: bytes(),
		added_tokens: added(B, [...special('<|end|>'), { content: '   ', normalized: true }, { content: '  ', normalized: true }]) }),
	o200k: byteKind({ pre_tokenizer: pre(split(O200K), bytes()) }),
	cl100k: byteKind({ pre_tokenizer: pre(split(CL100K), bytes()) }),
	deepseek: byteKind({ normalizer: norm(), pre_tokenizer: pre(...DEEPSEEK, bytes()) }),
	han: byteKind({ pre_tokenizer: pre(split(HAN, 'Removed', true), bytes()) }),
	digits: byteKind({ pre_tokenizer: pre({ type: 'Digits', individual_digits: true }, bytes({ use_regex: true })) }),
	falcon: byteKind({ pre_tokenizer: pre({ type: 'Punctuation', behavior: 'Contiguous' }, bytes({ use_regex: true }),
		{ type: 'Digits', individual_digits: false }, split('[0-9][0-9][0-9]')) }),
	strips: byteKind({ normalizer: { type: 'NFC' }, pre_tokenizer: bytes({ use_regex: true }), added_tokens: strips,
		post_processor: bytes({ add_prefix_space: false }) }),
	words: byteKind({ pre_tokenizer: pre({ type: 'Whitespace' }, bytes({ add_prefix_space: true })) }),
	llama2: pieceKind({ normalizer: norm({ type: 'Prepend', prepend: '▁' }, replace(' ', '▁')),
		post_processor: template(['<s>'], [], P.vocab) }),
	metaspace: pieceKind({ pre_tokenizer: metaspace({ prepend_scheme: 'first', split: false }) }),
	metasplit: pieceKind({ pre_tokenizer: metaspace({ prepend_scheme: 'always', split: true }),
		decoder: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, metaspace({ prepend_scheme: 'always', split: true })] } }),
	gemma: pieceKind({ normalizer: replace(' ', '▁'), decoder: { type: 'Sequence', decoders: LLAMA2.decoders.slice(0, 3) },
		pre_tokenizer: { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithPrevious', invert: false },
		added_tokens: added(P, [...special('<unk>', '<s>', '</s>'), { content: '\n\n' }, { content: '▁▁' }, { content: '▁▁▁' }]) }),
	unknown: pieceKind({ normalizer: norm({ type: 'NFKC' }, replace(' ', '▁')), model: { ...P, byte_fallback: false } }),
};

const texts = ['', ' ', 'a', '\n', 'Hello, world! The other thing.', '  two  blanks   and more    ',
	"I've SAID it's WE'LL 'tis the boy\u017fS' he'\u017f we\u2019re", '\tTabs\r\nand\r\r\nlines \n \n\n end',
	'x=1234567.89; y_2 = "\u0662\u0663" + \u00bd\u00b2', 'cafe\u0301 caf\u00e9 \u1e9b\u0323 q\u0307\u0323 \u212b\u2126',
	'\u1112\u1161\u11ab\uae00 \uac00\u11a8 \ud55c', '\u6f22\u5b57\u4eee\u540d\u4ea4\u3058\u308a text \u30ab\u30ca\uff21\uff71\uff9e',
	'\ud83d\udc4d\ud83c\udffd \ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67 \ud83c\udde9\ud83c\uddea', '\u041f\u0440\u0438\u0432\u0435\u0442 \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2',
	'\u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22 \u05e9\u05c1\u05c2', 'a\u0085b\u00a0c\u2003d\u3000e\ufefff\u200bg\u001ch',
	'one <|end|>two<|end|> <|pad|>', 'a <l>b <r> c  <b>  d one, onetwo <l>x <r>\n', '<s>begin</s> <unk><s> ', '\u2581mark \u2581 <0x41>',
	'    four\n        eight', 'https://a.b/c?d=e&f#g', 'x\u0300\u0301\u0302\u0303\u0327y', 'e\u0301<|end|>\u0301e', 'D\u01c5\u02b0 \u1d2c\u2160\u24b6',
	'$5 \u20ac7 \u00a39 +-*/ <>|', '\u{1e900}\u{1d400}\u{20000}\u{10ffff}', '\u0958\u0f73\u0344\u0340', 'the the the and and in', '0'.repeat(10),
	'ab'.repeat(24) + 'c'.repeat(9)];

const escape = (s) => s.replace(/[\u007f-\uffff]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));

for (const [name, kind] of Object.entries(kinds)) {
	const whole = { version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null, pre_tokenizer: null,
		post_processor: null, decoder: null, ...kind };
	const t = Tokenizer.fromString(JSON.stringify(whole));
	const lines = [];
	for (const text of texts) {
		const plain = await t.encode(text, null, { addSpecialTokens: false });
		const full = await t.encode(text, null, { addSpecialTokens: true });
		const at = [0];
		for (const c of text)
			at.push(at[at.length - 1] + Buffer.byteLength(c));
		const ids = plain.getIds();
		lines.push(escape(JSON.stringify({ text, ids, ids_special: full.getIds(),
			byte_spans: plain.getOffsets().map(([a, b]) => [at[a], at[b]]),
			decoded: ids.length ? await t.decode(ids, false) : '' })));
	}
	// the vocabulary, which several share, in a file of its own
	const { vocab, merges, ...rest } = whole.model;
	const shared = vocab === B.vocab ? 'bytes' : 'pieces';
	writeFileSync(`${folder}/${name}.json`, escape(JSON.stringify({ ...whole, model: { ...rest, vocab: '@' + shared } })) + '\n');
	writeFileSync(`${folder}/${name}.jsonl`, lines.join('\n') + '\n');
}

for (const [name, v] of [['bytes', byteVocab], ['pieces', pieceVocab]])
	writeFileSync(`${folder}/${name}.vocab`, escape(JSON.stringify(v.vocab) + ',"merges":' +
		JSON.stringify(name === 'bytes' ? v.merges : v.merges.map((m) => m.join(' ')))) + '\n');
