# a report made anew is the same to the byte; with another template, provenance.json names that one's files, and the MANIFEST
# holds
cp -R "$ROOT/tests/vectors/report/run" run
mkdir mine && echo '# {{audit.title}}: {{> first}} [all](second.md)' >mine/mine.md
echo 'a part' >mine/first.md && echo 'Back to [it](report.md). {{#provenance.inputs}}{{role}} {{name}} {{/provenance.inputs}}' >mine/second.md
render() {
	"$DFC" render run "$@" && "$DFC" verify run
	grep -A1 '"role": "template"' run/provenance.json | grep name
}
render && cp run/MANIFEST first && cp run/report.pdf first.pdf
render --template mine/mine.md
cat run/report.md run/second.md
render >/dev/null && cmp run/MANIFEST first && cmp run/report.pdf first.pdf
echo '{{#open}}' >mine/first.md && render --template mine/mine.md
