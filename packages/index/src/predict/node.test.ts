import { describe, expect, it } from 'vitest';
import { makeElf } from './fixtures/elf-file.ts';
import { type Files, predictFiles } from './fixtures/predict-files.ts';

const NODE: Files = { 'usr/bin/node': makeElf(), 'usr/bin/env': makeElf(), 'bin/sh': makeElf() };
const PROGRAMS = ['/usr/bin/node', '/usr/bin/env', '/bin/sh'];

/** Predicts what a command reads besides programs, with the working directory `/app`. */
async function predict(files: Files, ...command: readonly string[]): Promise<readonly string[]> {
  const config = { Cmd: command, Env: ['PATH=/usr/bin'], WorkingDir: '/app' };
  const { files: predicted } = await predictFiles({ ...NODE, ...files }, config);
  return predicted.map(({ path }) => path).filter((path) => !PROGRAMS.includes(path));
}

/** A package with some files. */
function packageOf(name: string, fields: object, ...files: readonly string[]): Files {
  const root = `app/node_modules/${name}`;
  const content = Object.fromEntries(files.map((file) => [`${root}/${file}`, 'exports.x = 1\n']));
  return { [`${root}/package.json`]: JSON.stringify({ name, ...fields }), ...content };
}

describe('a Node.js program', () => {
  const files = {
    'app/main.js': 'const a = require("./lib/a");\nconst fs = require("node:fs");\n',
    'app/lib/a.js': "module.exports = require('../data.json');\n",
    'app/data.json': '{}',
    'app/unused.js': 'x',
    'app/package.json': '{"main":"main.js"}',
  };
  const expected = ['/app/data.json', '/app/lib/a.js', '/app/main.js', '/app/package.json'];

  it.each([
    ['a file', ['node', 'main.js']],
    ['a file without its extension', ['node', 'main']],
    ['a directory', ['node', '.']],
    ['options', ['node', '--enable-source-maps', '--title', 'x', '-C', 'dev', '/app/main.js', '--port', '80']],
    ['a module that is loaded first', ['node', '-r', './main.js', '/app/data.json']],
    ['code', ['node', '-e', 'require("./main")']],
  ])('reads its modules and the nearest package.json: %s', async (_, command) => {
    expect(await predict(files, ...command)).toEqual(expected);
  });

  it('may be a script with a first line', async () => {
    const script = '#!/usr/bin/env node\nrequire("/app/main.js")\n';
    const paths = await predict({ ...files, 'usr/bin/tool': script, 'usr/bin/link': '-> tool' }, 'link');
    expect(paths).toEqual([...expected, '/usr/bin/tool']);
  });

  it('may be a script of package.json', async () => {
    const npm = { 'usr/bin/npm': '-> ../lib/npm-cli.js', 'usr/lib/npm-cli.js': '#!/usr/bin/env node\n' };
    const scripts = { ...files, ...npm, 'app/package.json': '{"scripts":{"start":"node main.js"}}' };
    expect(await predict(scripts, 'npm', 'start')).toEqual([...expected, '/usr/lib/npm-cli.js']);
    expect(await predict(scripts, 'npm', 'run', 'missing')).toEqual(['/usr/lib/npm-cli.js']);
  });
});

describe('a package', () => {
  const load = async (statement: string, files: Files) =>
    (await predict({ 'app/main.mjs': statement, ...files }, 'node', 'main.mjs')).filter(
      (path) => path !== '/app/main.mjs',
    );
  const inPackage = (...names: string[]) => names.map((name) => `/app/node_modules/p/${name}`);

  it.each<[string, string, Files, string[]]>([
    ['main', 'require("p")', packageOf('p', { main: './lib/m' }, 'lib/m.js', 'index.js'), ['lib/m.js', 'package.json']],
    [
      'a directory as main',
      'require("p")',
      packageOf('p', { main: 'lib' }, 'lib/index.js'),
      ['lib/index.js', 'package.json'],
    ],
    ['index.js', 'require("p")', packageOf('p', {}, 'index.js'), ['index.js', 'package.json']],
    ['a file in it', 'require("p/x/y")', packageOf('p', {}, 'x/y.js'), ['package.json', 'x/y.js']],
    ['exports', 'import "p"', packageOf('p', { exports: './e.js' }, 'e.js'), ['e.js', 'package.json']],
    [
      'conditions of import',
      'import x from "p"',
      packageOf(
        'p',
        { exports: { '.': { browser: './b.js', import: { node: './i.mjs' }, require: './r.js' } } },
        'i.mjs',
        'r.js',
      ),
      ['i.mjs', 'package.json'],
    ],
    [
      'conditions of require',
      'require("p")',
      packageOf('p', { exports: { import: './i.mjs', default: './r.cjs' } }, 'i.mjs', 'r.cjs'),
      ['package.json', 'r.cjs'],
    ],
    [
      'patterns of exports',
      'require("p/lib/a")',
      packageOf('p', { exports: { './*': './no.js', './lib/*': './dist/*.js' } }, 'dist/a.js', 'no.js'),
      ['dist/a.js', 'package.json'],
    ],
    [
      'what it does not export',
      'require("p/x.js")',
      packageOf('p', { exports: { '.': './e.js' } }, 'x.js', 'e.js'),
      ['package.json'],
    ],
    [
      'a package.json that is not JSON',
      'require("p")',
      { 'app/node_modules/p/package.json': '{', 'app/node_modules/p/index.js': 'x' },
      ['index.js', 'package.json'],
    ],
  ])('is resolved through %s', async (_, statement, files, names) => {
    expect(await load(statement, files)).toEqual(inPackage(...names));
  });

  it('is found in the nearest node_modules directory', async () => {
    const files = {
      'app/src/main.js': 'require("p"); require("@s/q/x")',
      'app/src/node_modules/p/index.js': 'require("r")',
      'app/node_modules/p/index.js': 'x',
      'app/node_modules/@s/q/x.js': 'x',
      'node_modules/r/index.js': 'x',
    };
    const expected = [
      '/app/node_modules/@s/q/x.js',
      '/app/src/main.js',
      '/app/src/node_modules/p/index.js',
      '/node_modules/r/index.js',
    ];
    expect(await predict(files, 'node', 'src/main.js')).toEqual(expected);
  });

  it('may be a link, as pnpm makes them', async () => {
    const store = 'app/node_modules/.pnpm/p@1/node_modules';
    const files = {
      'app/main.js': 'require("p")',
      'app/node_modules/p': '-> .pnpm/p@1/node_modules/p',
      [`${store}/p/index.js`]: 'require("q")',
      [`${store}/q/index.js`]: 'x',
    };
    expect(await predict(files, 'node', 'main.js')).toEqual([
      '/app/main.js',
      `/${store}/p/index.js`,
      `/${store}/q/index.js`,
    ]);
  });

  it('may name its own modules', async () => {
    const files = {
      'app/package.json': '{"imports":{"#x":"./x.js","#y/*":"./y/*.js"}}',
      'app/x.js': '',
      'app/y/z.js': 'x',
    };
    expect(await load('import "#y/z"', files)).toEqual(['/app/package.json', '/app/y/z.js']);
  });

  it('may contain an addon with libraries', async () => {
    const files = {
      'app/node_modules/p/index.js': 'require("./build/p.node")',
      'app/node_modules/p/build/p.node': makeElf({ needed: ['libp.so'] }),
      'lib/libp.so': makeElf(),
    };
    expect(await load('require("p")', files)).toEqual([...inPackage('build/p.node', 'index.js'), '/lib/libp.so']);
  });
});

describe('a module', () => {
  const files = Object.fromEntries(['a', 'b', 'c'].map((name) => [`app/${name}.js`, 'x']));
  const loadedBy = async (source: string) =>
    (await predict({ ...files, 'app/main.js': source }, 'node', 'main.js'))
      .filter((path) => path !== '/app/main.js')
      .map((path) => path.slice('/app/'.length, -'.js'.length))
      .join('');

  it.each([
    ['const x = require("./a"), y = require(\'./b\')', 'ab'],
    ['"use strict";\nmodule.exports = { x: require("./a") }', 'a'],
    ['import x, { y as z } from "./a.js";\nimport "./b.js"', 'ab'],
    ['export * from "./a.js"\nexport { x } from "./b.js"', 'ab'],
    ['import x from "./a.js"\nimport y from "./b.js"', 'ab'],
    ['export { default as x } from "./a.js"\nimport { default as y } from "./b.js"', 'ab'],
    ['const x = await import("./a.js")', 'a'],
    ['const { default: x } = await import("./a.js", { with: { type: "json" } })', 'a'],
    ['import("./a.js").then(({ run }) => run())', 'a'],
    ['await Promise.all([import("./a.js"), import("./b.js")])', 'ab'],
    ['const f = () => import("./a.js"), g = async () => await import("./b.js")', ''],
    ['async function f() { return import("./a.js") }', ''],
    ['const n = await import("./a" + x); o.import("./b.js"); import(`./c.js`)', ''],
    ['export const from = "./a"; export default "./b"', ''],
    ['function f() { return require("./a") }\nrequire("./b")', 'b'],
    ['const f = () => { require("./a") }\nrequire("./b")', 'b'],
    ['class A { m() { require("./a") } }\nrequire("./b")', 'b'],
    ['if (x) { require("./a") } else { require("./b") }', 'ab'],
    ['try { require("./a") } catch (e) { require("./b") }', 'ab'],
    ['for (;;) { require("./a") }', 'a'],
    ['(function () { require("./a") })();', 'a'],
    ['// require("./a")\n/* require("./b") */ require("./c")', 'c'],
    ['"require(\'./a\')"; `require("./b")`; require("./c")', 'c'],
    ['`${`}`}`; require("./a")', 'a'],
    ['x = /require("b")[/"]/; require("./a")', 'a'],
    ['x = a / b; y = "/"; require("./a")', 'a'],
    ['return /"/.test(x); require("./a")', 'a'],
    ['foo.require("./a"); require(x); require("./b" + y); require("./c")', 'c'],
    ['{{{{ require("./a")', 'a'],
    ['}}}) require("./a")', 'a'],
    ['"unclosed\nrequire("./a")', 'a'],
    ['`unclosed\nrequire("./a")', ''],
  ])('loads what %j names: %j', async (source, names) => {
    expect(await loadedBy(source)).toBe(names);
  });
});
