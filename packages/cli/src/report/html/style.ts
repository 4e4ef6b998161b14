/** Style of the page. Light and dark colours have a contrast of at least 4.5 for text. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1a1f27; --muted: #56606d; --line: #d8dde3;
  --good: #0b6e3b; --accent: #0a63c9; --unread: #e3e7ec; --unread-text: #2b333d; --read-colour: #ff8a00; --layer: #eef1f4;
  --download: #3d7fd6; --unpack: #9a6bd0; --connect: #8a95a3; --mount: #14908a; --inflate: #c4569b; --run: #6f9c3d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1b2129; --text: #e8ecf1; --muted: #a3aebb; --line: #343d49;
    --good: #5fd39a; --accent: #7db4ff; --unread: #333c47; --unread-text: #e8ecf1; --read-colour: #d97800; --layer: #252d37;
    --download: #5b98ea; --unpack: #b48ae6; --connect: #8f9baa; --mount: #35b5ae; --inflate: #de7dba; --run: #93c35e;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 16px; }
header { margin: 8px 0 16px; }
h1 { font-size: 15px; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 18px; line-height: 1.3; margin: 0 0 4px; overflow-wrap: anywhere; }
p { margin: 4px 0; }
.muted, .note { color: var(--muted); font-size: 14px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px; margin: 0 0 16px; }
.verdict { border-left: 6px solid var(--muted); }
.verdict.good { border-left-color: var(--good); }
.verdict > p:first-child { font-size: 22px; font-weight: 650; line-height: 1.3; margin: 0; overflow-wrap: anywhere; }
.good > p:first-child { color: var(--good); }
code { font: 13px/1.5 ui-monospace, monospace; } h2 code, .verdict > p code { font-size: 0.85em; font-weight: inherit; }
.command { display: block; background: var(--layer); border-radius: 6px; padding: 8px 10px; margin: 4px 0 0; overflow-wrap: anywhere; }
.choice { margin-top: 12px; }
.bar { margin: 12px 0; }
.bar-title { display: flex; justify-content: space-between; gap: 12px; }
.bar-title b { white-space: nowrap; }
.track { display: flex; height: 22px; margin: 4px 0; border-radius: 4px; overflow: hidden; background: var(--layer); }
.track i { display: block; height: 100%; min-width: 1px; }
.phases { color: var(--muted); font-size: 13px; }
.phases span { white-space: nowrap; }
.phases span::before, .legend i { content: ""; display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 4px; }
.download { --colour: var(--download); } .unpack { --colour: var(--unpack); } .connect { --colour: var(--connect); }
.mount { --colour: var(--mount); } .inflate { --colour: var(--inflate); } .run { --colour: var(--run); }
.read { --colour: var(--read-colour); } .other { --colour: color-mix(in srgb, var(--muted) 45%, var(--layer)); }
.track i, .phases span::before { background: var(--colour); }
.axis { position: relative; height: 24px; border-top: 1px solid var(--line); color: var(--muted); font-size: 12px; overflow: hidden; }
.axis span { position: absolute; padding: 4px 0 0 3px; border-left: 1px solid var(--line); white-space: nowrap; }
.treemap { position: relative; width: 100%; aspect-ratio: 1000 / 620; margin: 8px 0; }
.treemap div { position: absolute; overflow: hidden; border-radius: 3px; }
.treemap .layer { background: var(--layer); border: 1px solid var(--line); }
.treemap .directory { background: transparent; border: 1px solid var(--line); }
.treemap .file { background: color-mix(in srgb, var(--read-colour) var(--read), var(--unread)); }
.treemap .unknown { background: repeating-linear-gradient(45deg, var(--unread) 0 8px, var(--layer) 8px 16px); }
.treemap span { display: block; padding: 2px 4px; font-size: 11px; line-height: 1.25; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; color: var(--unread-text); }
.treemap .layer > span { font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; color: var(--muted); }
.legend i { border: 1px solid var(--line); }
.scroll { overflow-x: auto; background:
  linear-gradient(to right, var(--card) 30%, transparent) 0 0 / 40px 100% no-repeat local,
  linear-gradient(to left, var(--card) 30%, transparent) 100% 0 / 40px 100% no-repeat local,
  linear-gradient(to right, var(--line), transparent) 0 0 / 12px 100% no-repeat scroll,
  linear-gradient(to left, var(--line), transparent) 100% 0 / 12px 100% no-repeat scroll; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { text-align: left; font-weight: 600; color: var(--muted); vertical-align: bottom; }
th, td { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line); }
td { white-space: nowrap; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.best td { font-weight: 650; color: var(--good); }
tr:last-child td { border-bottom: 0; }
ul { margin: 8px 0 0; padding-left: 20px; } li { margin: 6px 0; overflow-wrap: anywhere; }
@media (max-width: 600px) {
  main { padding: 10px; } section { padding: 12px; } .verdict > p:first-child { font-size: 19px; }
  .treemap { aspect-ratio: 3 / 4; } .treemap .wide-only { display: none; }
}
`;
