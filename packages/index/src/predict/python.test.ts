import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeElf } from './fixtures/elf-file.ts';
import { type Files, predictFiles } from './fixtures/predict-files.ts';

const LIBRARY = 'usr/lib/python3.11';
const PACKAGES = 'usr/local/lib/python3.11/dist-packages';

/** A small Python of Debian. */
const PYTHON: Files = {
  'usr/bin/python3': '-> python3.11',
  'usr/bin/python3.11': makeElf({ needed: ['libc.so.6'] }),
  'lib/libc.so.6': makeElf(),
  [`${LIBRARY}/os.py`]: 'import abc\nimport posixpath as path\n',
  [`${LIBRARY}/abc.py`]: 'x = 1\n',
  [`${LIBRARY}/posixpath.py`]: 'x = 1\n',
  [`${LIBRARY}/codecs.py`]: 'x = 1\n',
  [`${LIBRARY}/encodings/__init__.py`]: 'import codecs\nfrom . import aliases\n',
  [`${LIBRARY}/encodings/aliases.py`]: 'x = 1\n',
  [`${LIBRARY}/encodings/utf_8.py`]: 'import codecs\n',
  [`${LIBRARY}/json/__init__.py`]: 'from .decoder import JSONDecoder\n',
  [`${LIBRARY}/json/decoder.py`]: 'import re\n',
  [`${LIBRARY}/json/tool.py`]: 'import argparse\n',
  [`${LIBRARY}/re.py`]: 'x = 1\n',
  [`${LIBRARY}/argparse.py`]: 'x = 1\n',
  'usr/lib/locale/C.utf8/LC_CTYPE': 'locale',
};
/** What each start of it reads. */
const STARTUP = [
  '/lib/libc.so.6',
  '/usr/bin/python3.11',
  '/usr/lib/locale/C.utf8/LC_CTYPE',
  ...['__init__.py', 'aliases.py', 'utf_8.py'].map((name) => `/${LIBRARY}/encodings/${name}`),
];

/** Predicts what a command reads besides the files of each start. */
async function predict(files: Files, command: readonly string[], config: object = {}): Promise<readonly string[]> {
  const start = { Cmd: command, Env: ['PATH=/usr/bin'], ...config };
  const { files: predicted } = await predictFiles({ ...PYTHON, ...files }, start);
  return predicted.map(({ path }) => path).filter((path) => !STARTUP.includes(path));
}

describe('a Python program', () => {
  it('reads the libraries and standard modules of each start, without those in the interpreter', async () => {
    const { files } = await predictFiles(PYTHON, { Cmd: ['/usr/bin/python3', '-c', 'pass'] });
    expect(files.map(({ path }) => path)).toEqual(STARTUP.toSorted());
    expect(files.find(({ path }) => path.endsWith('aliases.py'))).toMatchObject({ reason: 'import' });
  });

  it('reads standard modules from files before Python 3.11', async () => {
    const old = Object.fromEntries(
      Object.entries(PYTHON).map(([name, content]) => [
        name.replace('3.11', '3.9'),
        typeof content === 'string' ? content.replace('3.11', '3.9') : content,
      ]),
    );
    const { files } = await predictFiles(old, { Cmd: ['/usr/bin/python3', '-c', 'pass'] });
    const names = files.map(({ path }) => path);
    for (const name of ['abc', 'codecs', 'os', 'posixpath']) expect(names).toContain(`/usr/lib/python3.9/${name}.py`);
  });

  it.each([
    ['-c CODE', ['python3', '-c', 'import json']],
    ['grouped options', ['python3', '-Bsc', 'import json']],
    ['options with values', ['python3', '-W', 'ignore', '-X', 'utf8', '-c', 'import json']],
  ])('imports what its code imports: %s', async (_, command) => {
    const json = ['json/__init__.py', 'json/decoder.py', 're.py'];
    expect(await predict({}, command)).toEqual(json.map((name) => `/${LIBRARY}/${name}`));
  });

  it('imports a module, its package and what they import with -m', async () => {
    const names = ['argparse.py', 'json/__init__.py', 'json/decoder.py', 'json/tool.py', 're.py'];
    expect(await predict({}, ['python3', '-m', 'json.tool'])).toEqual(names.map((name) => `/${LIBRARY}/${name}`));
    const files = { 'app/tool/__init__.py': '', 'app/tool/__main__.py': 'if __name__ == "__main__":\n  import re\n' };
    const paths = await predict(files, ['python3', '-m', 'tool'], { WorkingDir: '/app' });
    expect(paths).toEqual(['/app/tool/__main__.py', `/${LIBRARY}/re.py`]);
  });

  it('imports modules next to its file, and packages', async () => {
    const files = {
      'app/main.py': 'import config, tool.run\nfrom tool import extra, name\n',
      'app/config.py': 'x = 1',
      [`${PACKAGES}/tool/__init__.py`]: 'name = 1',
      [`${PACKAGES}/tool/run.py`]: 'from . import helper\nfrom .deep.er import x\n',
      [`${PACKAGES}/tool/extra.py`]: 'x = 1',
      [`${PACKAGES}/tool/helper.py`]: 'from .. import nothing\n',
      [`${PACKAGES}/tool/deep/er.py`]: 'x = 1',
      [`${PACKAGES}/tool/unused.py`]: 'x = 1',
    };
    const inside = ['__init__.py', 'deep/er.py', 'extra.py', 'helper.py', 'run.py'];
    expect(await predict(files, ['python3', '/app/main.py'])).toEqual([
      '/app/config.py',
      '/app/main.py',
      ...inside.map((name) => `/${PACKAGES}/tool/${name}`),
    ]);
  });

  it('may be a script with a first line, a link, or a directory', async () => {
    const files = {
      'usr/bin/tool': '#!/usr/bin/python3\nfrom tool import main\n',
      'srv/link': '-> /usr/bin/tool',
      [`${PACKAGES}/tool.py`]: 'x = 1',
      'srv/directory/__main__.py': 'import near',
      'srv/directory/near.py': 'x = 1',
    };
    const expected = ['/usr/bin/tool', `/${PACKAGES}/tool.py`];
    expect(await predict(files, ['tool'])).toEqual(expected);
    expect(await predict(files, ['/srv/link'])).toEqual(expected);
    const directory = await predict(files, ['python3', '/srv/directory']);
    expect(directory).toEqual(['/srv/directory/__main__.py', '/srv/directory/near.py']);
  });

  it('imports the modules that the arguments of servers and frameworks name', async () => {
    const files = { 'usr/bin/gunicorn': '#!/usr/bin/python3\n', 'app/web.py': 'import re\n', 'app/site.py': '' };
    const expected = ['/app/web.py', '/usr/bin/gunicorn', `/${LIBRARY}/re.py`];
    expect(await predict(files, ['gunicorn', '-b', ':80', 'web:app'], { WorkingDir: '/app' })).toEqual(expected);
    const Env = ['PATH=/usr/bin', 'FLASK_APP=web.py'];
    expect(await predict(files, ['gunicorn', 'run'], { WorkingDir: '/app', Env })).toEqual(expected);
  });

  it.each([
    ['a module with its package', ['shop.wsgi'], ['shop/__init__.py', 'shop/wsgi.py', 'shop/store.py']],
    ['the value of an option', ['--settings=shop.store'], ['shop/__init__.py', 'shop/store.py']],
    ['a class of a module', ['-k', 'shop.store.Store'], ['shop/__init__.py', 'shop/store.py']],
    ['a module without a package', ['wsgi'], ['wsgi.py']],
    ['a package', ['shop'], ['shop/__init__.py']],
    ['a source file', ['run', 'shop/wsgi.py'], ['shop/__init__.py', 'shop/wsgi.py', 'shop/store.py']],
    ['a source file elsewhere', ['run', '../other/tool.py'], ['../other/tool.py', '../other/near.py']],
    ['no module', ['json.decoder', 'shop.missing', 'shop.missing.Name', '../../../etc/x.py', '.', '..'], []],
  ])('imports what an argument names: %s', async (_, args, expected) => {
    const files = {
      'usr/bin/serve': '#!/usr/bin/python3\n',
      'app/shop/__init__.py': 'x = 1\n',
      'app/shop/wsgi.py': 'from .store import Store\n',
      'app/shop/store.py': 'x = 1\n',
      'app/wsgi.py': 'x = 1\n',
      'other/tool.py': 'import near\n',
      'other/near.py': 'x = 1\n',
    };
    const paths = await predict(files, ['serve', ...args], { WorkingDir: '/app' });
    expect(paths).toEqual(['/usr/bin/serve', ...expected.map((path) => posix.resolve('/app', path))].toSorted());
  });

  it('reads compiled files that match their source, and the source of others', async () => {
    const pyc = (flags: number, modified: number, size: number) => {
      const header = Buffer.alloc(16);
      for (const [index, value] of [0xa0d0d, flags, modified, size].entries()) header.writeUInt32LE(value, index * 4);
      return header;
    };
    const source = 'import re\n';
    const files = {
      'app/main.py': 'import current, outdated, unchecked, checked, cut\n',
      ...Object.fromEntries(
        ['current', 'outdated', 'unchecked', 'checked', 'cut'].map((name) => [`app/${name}.py`, source]),
      ),
      'app/__pycache__/current.cpython-311.pyc': pyc(0, 0, source.length),
      'app/__pycache__/outdated.cpython-311.pyc': pyc(0, 1, source.length),
      'app/__pycache__/unchecked.cpython-311.pyc': pyc(1, 7, 7),
      'app/__pycache__/checked.cpython-311.pyc': pyc(3, 7, 7),
      'app/__pycache__/cut.cpython-311.pyc': 'x',
    };
    expect(await predict(files, ['python3', '/app/main.py'])).toEqual([
      ...['checked', 'current', 'unchecked'].map((name) => `/app/__pycache__/${name}.cpython-311.pyc`),
      ...['checked', 'cut', 'main', 'outdated'].map((name) => `/app/${name}.py`),
      `/${LIBRARY}/re.py`,
    ]);
  });

  it('loads extension modules with their libraries', async () => {
    const name = 'fast.cpython-311-x86_64-linux-gnu.so';
    const files = {
      'app/main.py': 'from fast import f\n',
      [`app/${name}`]: makeElf({ needed: ['libfast.so'], runpath: '$ORIGIN/libs' }),
      'app/fast.cpython-310-x86_64-linux-gnu.so': makeElf(),
      'app/libs/libfast.so': makeElf(),
    };
    const paths = await predict(files, ['python3', '/app/main.py']);
    expect(paths).toEqual([`/app/${name}`, '/app/libs/libfast.so', '/app/main.py']);
  });

  it('imports installed modules that an extension module names: all if Cython made it, else of its package and NumPy', async () => {
    const names = [
      'tool.core',
      'tool.core.f',
      'json.decoder',
      'tool',
      'other.x',
      'numpy',
      'shared__mypyc',
      'fast.part',
    ];
    const withStrings = (strings: readonly string[]) => {
      const content = ['', ...strings, ''].join('\0');
      return makeElf({ needed: ['libfast.so'], sections: [{ name: '.rodata', size: content.length, content }] });
    };
    const files = {
      'app/main.py': 'import fast\n',
      'app/fast/part.py': 'x = 1',
      'app/shared__mypyc.so': makeElf(),
      ...Object.fromEntries(
        ['tool/__init__.py', 'tool/core.py', 'other/__init__.py', 'numpy/__init__.py'].map((name) => [
          `${PACKAGES}/${name}`,
          'x = 1',
        ]),
      ),
    };
    const predictFast = async (own: Files) => {
      const all = await predict({ ...files, ...own }, ['python3', '/app/main.py']);
      return all.map((path) => path.replace(`/${PACKAGES}/`, ''));
    };
    const others = ['numpy/__init__.py', 'other/__init__.py', 'tool/__init__.py', 'tool/core.py'];
    const loaded = ['/app/fast/__init__.so', '/app/fast/part.py', '/app/main.py', '/app/shared__mypyc.so'];
    const cython = { 'app/fast/__init__.so': withStrings(['cython_runtime', ...names]) };
    expect(await predictFast(cython)).toEqual([...loaded, ...others]);
    expect(await predictFast({ 'app/fast/__init__.so': withStrings(names) })).toEqual([...loaded, 'numpy/__init__.py']);
    const inLibrary = { 'app/fast/__init__.so': withStrings([]), 'app/fast/libfast.so': withStrings(['numpy']) };
    expect(await predictFast(inLibrary)).toEqual(['/app/fast/__init__.so', '/app/main.py', 'numpy/__init__.py']);
  });

  it('of a virtual environment reads its configuration and packages', async () => {
    const files = {
      'venv/pyvenv.cfg': 'home = /usr/bin\n',
      'venv/bin/python': '-> /usr/bin/python3.11',
      'venv/lib/python3.11/site-packages/tool.py': 'x = 1',
      [`${PACKAGES}/tool.py`]: 'x = 1',
    };
    const paths = await predict(files, ['/venv/bin/python', '-c', 'import tool']);
    expect(paths).toEqual(['/venv/lib/python3.11/site-packages/tool.py', '/venv/pyvenv.cfg']);
  });

  it('reads .pth files, with the directories and imports in them', async () => {
    const files = {
      [`${PACKAGES}/a.pth`]: '# comment\n/opt/more\nimport hook; hook.run()\n',
      [`${PACKAGES}/hook.py`]: 'x = 1',
      'opt/more/extra.py': 'x = 1',
    };
    const expected = [`/${PACKAGES}/a.pth`, `/${PACKAGES}/hook.py`];
    expect(await predict(files, ['python3', '-c', 'import extra'])).toEqual(['/opt/more/extra.py', ...expected]);
    expect(await predict(files, ['python3', '-S', '-c', 'import extra'])).toEqual([]);
  });
});

describe('an import', () => {
  const files = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`app/${name}.py`, 'x = 1']));
  const importsOf = async (source: string) =>
    (await predict({ ...files, 'app/main.py': source }, ['python3', '/app/main.py']))
      .filter((path) => path !== '/app/main.py')
      .map((path) => path.slice('/app/'.length, -'.py'.length))
      .join('');

  it.each([
    ['import a, b as x', 'ab'],
    ['from a import (x,\n  y)\nimport b', 'ab'],
    ['import a; import b', 'ab'],
    ['import \\\n  a', 'a'],
    ['try:\n  import a\nexcept ImportError:\n  import b', 'a'],
    ['try:\n  import missing\nexcept ImportError:\n  import b', 'b'],
    ['try: import a\nexcept: pass', 'a'],
    ['if x:\n\timport a\nelse:\n\timport b', 'ab'],
    ['class A:\n  import a', 'a'],
    ['def f():\n  import a\nimport b', 'b'],
    ['async def f(\n  x):\n    import a\nimport b', 'b'],
    ['if TYPE_CHECKING:\n  import a\nelse:\n  import b', 'b'],
    ['if sys.platform == "win32":\n  import a\nimport b', 'b'],
    ['if __name__ == "__main__":\n  import a', 'a'],
    ['"""\nimport a\n"""\nimport b', 'b'],
    ["x = '''\nimport a'''\nimport b", 'b'],
    ['# import a\nimport b # import c', 'b'],
    ['x = "import a"\nimport b', 'b'],
    ['m = importlib.import_module("a")\n__import__(\'b\')', 'ab'],
    ['from  a  import  *\nfrom b import*', 'ab'],
    ['import a.missing', 'a'],
    ['\ufeffimport a\r\nimport b\r\n', 'ab'],
    ['importa\nimported = 1\nfrom_a = 1\nimport', ''],
    ['"unclosed\nimport a', 'a'],
    ['"""unclosed\nimport a', ''],
    ['x = [\nimport a', ''],
    ['def f():\n  """\nimport a\n"""\n  x = [(1, {"a": [2]}), # (\n3]\n\n# f\nimport b', 'b'],
    ['def f():\n  x = "\\"" + \'\\\\\'\n  y = x \\\nimport a\nimport b', 'b'],
    ['def f():\n  ((((1,\nimport a\n))))\nimport b', 'b'],
    ['class A:\n  def f():\n      import a\n  import b', 'b'],
    ['def f():\n\timport a\n \t\nimport b', 'b'],
    ['def f(): import a\nimport b', 'b'],
    ['from a import (\n\n  x, # (\r\n  y\n) # import c\nimport b', 'ab'],
    ['from a import (\r\n  x,\r\n\ty) # import c\r\nimport b', 'ab'],
    ['x = [\n  "# (", f(\'a  "\'),\n\n  2\n]\n  \n  # c\nimport b', 'b'],
    ['x = [\n  "import a", # "\n]; import b', 'b'],
    ['def \u00e9():\n  import a\nimport b', 'b'],
  ])('is found in %j: %j', async (source, names) => {
    expect(await importsOf(source)).toBe(names);
  });
});

describe('modules that a Python program imports when it runs', () => {
  const inPackages = (...names: readonly string[]) => names.map((name) => `/${PACKAGES}/${name}`);

  it('are in functions that the program calls, also of other packages, and in their classes', async () => {
    const files = {
      'srv/manage.py':
        'def main():\n  from framework.cli import execute\n  execute([])\nif __name__ == "__main__":\n  main()\n',
      [`${PACKAGES}/framework/__init__.py`]: 'def unused():\n  import json\n',
      [`${PACKAGES}/framework/cli.py`]:
        'import framework\nclass Command:\n  def run(self):\n    from .commands import serve\ndef execute(argv):\n  Command().run()\ndef other():\n  import json\n',
      [`${PACKAGES}/framework/commands/serve.py`]: 'x = 1',
    };
    const expected = inPackages('framework/__init__.py', 'framework/cli.py', 'framework/commands/serve.py');
    expect(await predict(files, ['python3', '/srv/manage.py'])).toEqual(['/srv/manage.py', ...expected]);
  });

  it('are in functions that start the program of a package', async () => {
    const files = {
      'usr/bin/tool':
        '#!/usr/bin/python3\nimport sys\nfrom tool.__main__ import main\nif __name__ == "__main__":\n  sys.exit(main())\n',
      [`${PACKAGES}/tool/__init__.py`]: '',
      [`${PACKAGES}/tool/__main__.py`]: 'def main():\n  from tool.app import main as start\n  start()\n',
      [`${PACKAGES}/tool/app.py`]: 'import tool.plugins\ndef main():\n  pass\n',
      [`${PACKAGES}/tool/plugins.py`]: 'x = 1',
    };
    const expected = inPackages('tool/__main__.py', 'tool/app.py', 'tool/plugins.py');
    expect(await predict(files, ['tool'])).toEqual(['/usr/bin/tool', ...expected]);
  });

  it('are in functions that a module calls or passes on when it is imported, but not in others', async () => {
    const files = {
      [`${PACKAGES}/m.py`]:
        'def first():\n  import a\ndef second():\n  third()\ndef third():\n  import b\ndef fourth():\n  import c\nclass K:\n  def method(self):\n    import d\nx = first()\nhandlers = [1, second]\nk = K()\n',
      ...Object.fromEntries([...'abcd'].map((name) => [`${PACKAGES}/${name}.py`, 'x = 1'])),
    };
    expect(await predict(files, ['python3', '-c', 'import m'])).toEqual(inPackages('a.py', 'b.py', 'm.py'));
  });

  it('are named in strings of its own modules, not in those of packages', async () => {
    const files = {
      'srv/main.py':
        'import runner\nimport installed\nrunner.run("web:app")\nPLUGINS = ["shop.mail", \'shop.store.Store\', "shop", "lone"]\n',
      'srv/web.py': 'LOGGING = {"class": "tool.logs.Handler", "other": "json.tool", "x": "missing.name"}\n',
      'srv/shop/__init__.py': 'x = 1\n',
      'srv/shop/mail.py': 'x = 1\n',
      'srv/shop/store.py': 'x = 1\n',
      'srv/lone.py': 'x = 1\n',
      [`${PACKAGES}/runner.py`]: 'x = 1\n',
      [`${PACKAGES}/installed.py`]: 'NAMES = ["tool.other"]\n',
      [`${PACKAGES}/tool/logs.py`]: 'x = 1\n',
      [`${PACKAGES}/tool/other.py`]: 'x = 1\n',
    };
    const own = ['main.py', 'shop/__init__.py', 'shop/mail.py', 'shop/store.py', 'web.py'].map(
      (name) => `/srv/${name}`,
    );
    expect(await predict(files, ['python3', '/srv/main.py'])).toEqual(
      [...own, ...inPackages('installed.py', 'runner.py', 'tool/logs.py')].toSorted(),
    );
  });

  it.each([
    ['imports for type checkers', 'if TYPE_CHECKING:\n  from .model import Model, Other\n  from .extra import Extra\n'],
    ['a table', 'table: dict[str, tuple] = {"Model": (__spec__.parent, ".model"), "Extra": (0, ".extra")}\n'],
    ['a table of modules', 'table = {\n  "Extra": ".extra",\n  "Model": ".model",\n}\n'],
  ])('are named in %s, if a package imports its names when they are used', async (_, lazy) => {
    const files = {
      [`${PACKAGES}/lazy/model.py`]: 'x = 1',
      [`${PACKAGES}/lazy/extra.py`]: 'x = 1',
    };
    const code = 'from lazy import Model';
    const getter = 'def __getattr__(name):\n  return load(name)\n';
    const lazyPackage = { ...files, [`${PACKAGES}/lazy/__init__.py`]: lazy + getter };
    expect(await predict(lazyPackage, ['python3', '-c', code])).toEqual(
      inPackages('lazy/__init__.py', 'lazy/model.py'),
    );
    const plain = { ...files, [`${PACKAGES}/lazy/__init__.py`]: lazy };
    expect(await predict(plain, ['python3', '-c', code])).toEqual(inPackages('lazy/__init__.py'));
  });

  it('are those of the source next to a compiled module', async () => {
    const files = {
      [`${PACKAGES}/fast/__init__.cpython-311-x86_64-linux-gnu.so`]: makeElf(),
      [`${PACKAGES}/fast/__init__.py`]: 'from . import helper\n',
      [`${PACKAGES}/fast/helper.py`]: 'x = 1',
    };
    expect(await predict(files, ['python3', '-c', 'import fast'])).toEqual(
      inPackages('fast/__init__.cpython-311-x86_64-linux-gnu.so', 'fast/helper.py'),
    );
  });

  it('are an extension module with the name of its package', async () => {
    const files = {
      [`${PACKAGES}/vision/__init__.py`]: 'import importlib\nnative = importlib.import_module(__name__)\n',
      [`${PACKAGES}/vision/vision.abi3.so`]: makeElf(),
      [`${PACKAGES}/vision/other.abi3.so`]: makeElf(),
    };
    expect(await predict(files, ['python3', '-c', 'import vision'])).toEqual(
      inPackages('vision/__init__.py', 'vision/vision.abi3.so'),
    );
  });
});
