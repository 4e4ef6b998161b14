import { describe, expect, it } from 'vitest';
import { encodeProfile, parseProfile } from '../profile/parse-profile.ts';
import { makeElf } from './fixtures/elf-file.ts';
import { openFiles, predictFiles, predictPaths } from './fixtures/predict-files.ts';
import { predictProfile } from './predict-profile.ts';

const ELF = makeElf();
const SHELL = { 'bin/sh': ELF };

describe('the program of a start', () => {
  it('is the first word of the entry point and the command', async () => {
    const files = { 'app/server': ELF, 'app/other': ELF, 'etc/passwd': 'root' };
    const config = { Entrypoint: ['/app/server'], Cmd: ['/app/other'] };
    expect((await predictFiles(files, config)).files).toEqual([
      { path: '/app/other', size: ELF.length, reason: 'configuration', from: '/app/server' },
      { path: '/app/server', size: ELF.length, reason: 'program' },
      { path: '/etc/passwd', size: 4, reason: 'runtime' },
    ]);
  });

  it('is found through PATH and links, also across layers', async () => {
    const image = await openFiles(
      { 'opt/tool-1.2/bin/tool': ELF, 'usr/bin/tool': 'hidden' },
      { 'usr/bin/.wh.tool': '', 'opt/bin/tool': '-> ../tool/bin/tool', 'opt/tool': '-> /opt/tool-1.2' },
    );
    const { files } = await predictProfile(image, { Cmd: ['tool'], Env: ['PATH=/usr/bin:/opt/bin'] });
    expect(files.map(({ path }) => path)).toEqual(['/opt/tool-1.2/bin/tool']);
  });

  it('is below the parent of what a link leads to', async () => {
    const links = { 'srv/current': '-> /opt/v2/app', 'opt/v2/app/x': 'x' };
    const files = { ...links, 'opt/v2/bin/run': ELF, 'srv/bin/run': ELF };
    const { files: predicted } = await predictFiles(files, { Cmd: ['current/../bin/run'], WorkingDir: '/srv' });
    expect(predicted.map(({ path }) => path)).toEqual(['/opt/v2/bin/run']);
  });

  it('reads files that its arguments name', async () => {
    const files = {
      'bin/run': ELF,
      'srv/app.conf': 'x',
      'srv/conf/b.yml': 'x',
      'etc/c': 'x',
      'srv/data': 'x'.repeat(2 << 20),
    };
    const Cmd = ['/bin/run', 'app.conf', '--config=conf/b.yml', '../etc/c', 'data', 'conf', 'missing'];
    const { files: predicted } = await predictFiles(files, { Cmd, WorkingDir: '/srv' });
    expect(predicted.map(({ path }) => path)).toEqual(['/bin/run', '/etc/c', '/srv/app.conf', '/srv/conf/b.yml']);
  });

  it('may run its first argument as a program with both names', async () => {
    const files = {
      'bin/tool': ELF,
      'bin/tool-serve': '#!/bin/other\n',
      'bin/tool-x': ELF,
      'bin/other': ELF,
      'srv/x': '',
    };
    expect(await predictPaths(files, 'tool', 'serve', 'x')).toEqual(['/bin/other', '/bin/tool', '/bin/tool-serve']);
    expect(await predictPaths(files, '/bin/tool', '--x', 'x')).toEqual(['/bin/tool']);
    expect(await predictPaths(files, 'tool', '../tool-x')).toEqual(['/bin/tool']);
  });

  it('is relative to the working directory if it has a slash', async () => {
    const config = { Cmd: ['./run'], WorkingDir: '/srv' };
    expect((await predictFiles({ 'srv/run': ELF, run: ELF }, config)).files[0]?.path).toBe('/srv/run');
  });

  it.each([
    ['the image has no command', {}],
    ['the program does not exist', { Cmd: ['/missing'] }],
    ['the program is a directory', { Cmd: ['/etc'] }],
    ['the link leads nowhere', { Cmd: ['/dangling'] }],
    ['the links form a loop', { Cmd: ['/loop'] }],
    ['the name is empty', { Cmd: [''] }],
  ])('predicts nothing if %s', async (_, config) => {
    const files = { 'etc/passwd': 'root', dangling: '-> /missing', loop: '-> /loop' };
    expect(await predictFiles(files, config)).toEqual({ files: [], origin: 'predicted', reachedLimits: [] });
  });

  it('gives a profile that can be written and read', async () => {
    const profile = await predictFiles({ 'app/server': ELF }, { Cmd: ['/app/server'] });
    expect(parseProfile(encodeProfile(profile))).toEqual({ origin: 'predicted', files: [{ path: '/app/server' }] });
  });

  it('is the same for the same image', async () => {
    const files = { ...SHELL, 'start.sh': '#!/bin/sh\nexec a\n', 'bin/a': ELF };
    const config = { Cmd: ['/start.sh'], Env: ['PATH=/bin'] };
    expect(await predictFiles(files, config)).toEqual(await predictFiles(files, config));
  });
});

describe('a script', () => {
  const files = { ...SHELL, 'bin/env': ELF, 'bin/tool': ELF, 'bin/other': ELF, 'usr/bin/env': '-> /bin/env' };
  const PATH = 'PATH=/bin';
  const predict = async (script: string, ...args: readonly string[]) => {
    const { files: predicted } = await predictFiles(
      { ...files, 'start.sh': script },
      { Cmd: ['/start.sh', ...args], Env: [PATH] },
    );
    return predicted.map(({ path }) => path);
  };

  it.each([
    ['#!/bin/tool\n', ['/bin/tool']],
    ['#! /bin/tool -x\r\n', ['/bin/tool']],
    ['#!/usr/bin/env tool\n', ['/bin/env', '/bin/tool']],
    ['#!/usr/bin/env -S tool -x\n', ['/bin/env', '/bin/tool']],
    ['#!/usr/bin/env -S -i A=1 tool\n', ['/bin/env', '/bin/tool']],
    ['true\n', ['/bin/sh']],
    ['#!/bin/sh\nexec tool --flag\n', ['/bin/sh', '/bin/tool']],
    ['#!/bin/sh\nset -e\nexec "$@"\n', ['/bin/sh', '/bin/other']],
    ['#!/bin/sh\nA=1 B="x y" tool # other\n', ['/bin/sh', '/bin/tool']],
    ['#!/bin/sh\nif [ -n "$X" ]; then\n  tool\nfi\n', ['/bin/sh', '/bin/tool']],
    ['#!/bin/sh\nrun() {\n  tool\n}\nexec other\n', ['/bin/other', '/bin/sh']],
    ['#!/bin/sh\ncat <<END\ntool\nEND\nexec other\n', ['/bin/other', '/bin/sh']],
    ['#!/bin/sh\necho $(tool) `tool` "tool" \'tool\'\n', ['/bin/sh']],
    ['#!/bin/sh\nexec env X=1 \\\n  tool\n', ['/bin/env', '/bin/sh', '/bin/tool']],
  ])('%j runs %j', async (script, programs) => {
    expect(await predict(script, 'other')).toEqual([...programs, '/start.sh'].toSorted());
  });

  it('runs what the words of sh -c name, with variables of the image', async () => {
    const config = { Cmd: ['sh', '-c', 'exec $TOOL ${MODE:-x} && other'], Env: [PATH, 'TOOL=/bin/tool'] };
    const { files: predicted } = await predictFiles(files, config);
    expect(predicted.map(({ path }) => path)).toEqual(['/bin/other', '/bin/sh', '/bin/tool']);
  });

  it.each([
    ['tini', ['-g', '-p', 'SIGTERM', '--', 'tool']],
    ['gosu', ['nobody', 'tool', '-x']],
    ['timeout', ['-k', '5', '10', 'tool']],
    ['nice', ['-n', '5', 'tool']],
    ['env', ['-u', 'X', 'A=1', 'tool']],
  ])('of a program that only runs another one is followed: %s', async (wrapper, args) => {
    const { files: predicted } = await predictFiles(
      { ...files, [`bin/${wrapper}`]: ELF },
      { Cmd: [wrapper, ...args], Env: [PATH] },
    );
    expect(predicted.map(({ path }) => path)).toContain('/bin/tool');
  });

  it('runs the functions that a script calls, with their arguments', async () => {
    const entrypoint = [
      '#!/bin/bash',
      'unused() {',
      '  /bin/a',
      '}',
      '_main() {',
      '  if [ "${1:0:1}" = "-" ]; then set -- server "$@"; fi',
      '  gosu app "$BASH_SOURCE" "$@"',
      '  exec "$@"',
      '}',
      '_main "$@"',
    ].join('\n');
    const files = {
      'bin/bash': makeElf(),
      'bin/gosu': makeElf(),
      'bin/server': makeElf(),
      'bin/a': makeElf(),
      entrypoint,
    };
    const start = { Entrypoint: ['/entrypoint'], Cmd: ['server', '-x'], Env: ['PATH=/bin'] };
    const { files: predicted } = await predictFiles(files, start);
    expect(predicted.map(({ path }) => path)).toEqual(['/bin/bash', '/bin/gosu', '/bin/server', '/entrypoint']);
  });

  it('runs what a script sets its parameters to, and the command that it was given', async () => {
    const entrypoint = ['#!/bin/sh', 'if [ "$1" = a ]; then shift; set -- b "$@"; fi', 'exec "$@"'].join('\n');
    const files = { 'bin/sh': makeElf(), 'bin/a': makeElf(), 'bin/b': makeElf(), entrypoint };
    const { files: predicted } = await predictFiles(files, {
      Entrypoint: ['/entrypoint'],
      Cmd: ['a', '-x'],
      Env: ['PATH=/bin'],
    });
    expect(predicted.map(({ path }) => path)).toEqual(['/bin/a', '/bin/b', '/bin/sh', '/entrypoint']);
  });

  it('runs programs that variables of the script name', async () => {
    const script =
      'SERVER=${SERVER_PATH:-/bin/server}\nexport OTHER="/bin/a" X=$(which x)\n$OTHER -t\nexec $SERVER "$@"\n';
    const files = { 'bin/sh': makeElf(), 'bin/server': makeElf(), 'bin/a': makeElf(), 'bin/b': makeElf(), script };
    const pathsWith = async (...Env: string[]) => {
      const { files: predicted } = await predictFiles(files, { Cmd: ['sh', '/script'], Env: ['PATH=/bin', ...Env] });
      return predicted.map(({ path }) => path);
    };
    expect(await pathsWith()).toEqual(['/bin/a', '/bin/server', '/bin/sh', '/script']);
    expect(await pathsWith('SERVER_PATH=/bin/b')).toEqual(['/bin/a', '/bin/b', '/bin/sh', '/script']);
  });

  it('runs commands of the shell itself without a program, however many there are', async () => {
    const script = `${'if [ -e /x ]; then echo x; fi\n'.repeat(200)}exec /bin/server\n`;
    const files = { 'bin/sh': makeElf(), 'bin/server': makeElf(), 'bin/[': makeElf(), 'bin/echo': makeElf(), script };
    const { files: predicted } = await predictFiles(files, { Cmd: ['sh', '/script'], Env: ['PATH=/bin'] });
    expect(predicted.map(({ path }) => path)).toEqual(['/bin/server', '/bin/sh', '/script']);
  });

  it('may have functions that call themselves without end', async () => {
    const calls = 'f; '.repeat(10_000);
    const { files } = await predictFiles({ 'bin/sh': makeElf() }, { Cmd: ['/bin/sh', '-c', `f() { ${calls} }; f`] });
    expect(files.map(({ path }) => path)).toEqual(['/bin/sh']);
  });

  it('may interpret itself without end', async () => {
    expect(await predict('#!/start.sh\n')).toEqual(['/start.sh']);
    expect(await predictPaths({ a: '#!/b\n', b: '#!/a\n' }, '/a')).toEqual(['/a', '/b']);
  });

  it('may call itself with more and more arguments', async () => {
    const script = '#!/bin/sh\n/start.sh "$@" more\n'.repeat(3);
    expect(await predict(script)).toEqual(['/bin/sh', '/start.sh']);
  });
});

describe('the libraries of a program', () => {
  const DIRECTORY = 'lib/x86_64-linux-gnu';
  const LOADER = { 'lib64/ld-linux-x86-64.so.2': ELF };
  const program = (fields: Parameters<typeof makeElf>[0]) =>
    makeElf({ interpreter: '/lib64/ld-linux-x86-64.so.2', ...fields });

  it('are its interpreter and the closure of its needed libraries', async () => {
    const files = {
      ...LOADER,
      app: program({ needed: ['libc.so.6', 'liba.so'] }),
      [`${DIRECTORY}/libc.so.6`]: makeElf(),
      [`usr/${DIRECTORY}/liba.so`]: '-> liba.so.1',
      [`usr/${DIRECTORY}/liba.so.1`]: makeElf({ needed: ['libb.so', 'libc.so.6'] }),
      'usr/lib/libb.so': makeElf({ needed: ['liba.so'] }),
      'usr/lib/libunused.so': makeElf(),
      'etc/ld.so.cache': 'cache',
    };
    expect((await predictFiles(files, { Cmd: ['/app'] })).files).toEqual([
      { path: '/app', size: expect.any(Number), reason: 'program' },
      { path: '/etc/ld.so.cache', size: 5, reason: 'configuration', from: '/lib64/ld-linux-x86-64.so.2' },
      { path: `/${DIRECTORY}/libc.so.6`, size: expect.any(Number), reason: 'library', from: '/app' },
      { path: '/lib64/ld-linux-x86-64.so.2', size: expect.any(Number), reason: 'library', from: '/app' },
      { path: '/usr/lib/libb.so', size: expect.any(Number), reason: 'library', from: `/usr/${DIRECTORY}/liba.so.1` },
      { path: `/usr/${DIRECTORY}/liba.so.1`, size: expect.any(Number), reason: 'library', from: '/app' },
    ]);
  });

  const elsewhere = (path: string) => ({ [path]: makeElf(), [`${DIRECTORY}/libx.so`]: makeElf() });

  it.each<[string, Parameters<typeof makeElf>[0], Readonly<Record<string, string>>, string, string[]]>([
    ['RUNPATH', { runpath: '/opt/lib' }, {}, '/opt/lib/libx.so', []],
    ['RPATH', { rpath: '/none:/opt/lib' }, {}, '/opt/lib/libx.so', []],
    ['$ORIGIN', { runpath: '$ORIGIN/../lib' }, {}, '/srv/lib/libx.so', []],
    ['${ORIGIN}', { rpath: '${ORIGIN}/lib' }, {}, '/srv/bin/lib/libx.so', []],
    ['LD_LIBRARY_PATH', {}, {}, '/opt/lib/libx.so', ['LD_LIBRARY_PATH=relative:/opt/lib']],
    ['ld.so.conf', {}, { 'etc/ld.so.conf': '# dirs\n/opt/lib\n' }, '/opt/lib/libx.so', []],
    [
      'ld.so.conf.d',
      {},
      { 'etc/ld.so.conf': 'include /etc/ld.so.conf.d/*.conf\n', 'etc/ld.so.conf.d/a.conf': '/opt/lib\n' },
      '/opt/lib/libx.so',
      [],
    ],
  ])('are found through %s', async (_, fields, files, path, Env) => {
    const image = {
      ...LOADER,
      ...files,
      ...elsewhere(path.slice(1)),
      'srv/bin/app': program({ ...fields, needed: ['libx.so'] }),
    };
    const { files: predicted } = await predictFiles(image, { Cmd: ['/srv/bin/app'], Env });
    expect(predicted.filter(({ path: each }) => each.endsWith('libx.so')).map((each) => each.path)).toEqual([path]);
  });

  it('of musl are in its default directories', async () => {
    const files = {
      'lib/ld-musl-x86_64.so.1': makeElf(),
      'usr/lib/libz.so.1': makeElf(),
      app: makeElf({ interpreter: '/lib/ld-musl-x86_64.so.1', needed: ['libz.so.1', 'libc.musl-x86_64.so.1'] }),
      'lib/libc.musl-x86_64.so.1': '-> ld-musl-x86_64.so.1',
    };
    expect(await predictPaths(files, '/app')).toEqual(['/app', '/lib/ld-musl-x86_64.so.1', '/usr/lib/libz.so.1']);
  });

  it.each([
    ['32 bits', { machine: 3, is64Bit: false }, 'lib/i386-linux-gnu'],
    ['another byte order', { machine: 22, isLittleEndian: false }, 'lib/s390x-linux-gnu'],
    ['ARM', { machine: 183 }, 'lib/aarch64-linux-gnu'],
  ])('of %s are those of the same instruction set', async (_, fields, directory) => {
    const files = {
      app: makeElf({ ...fields, needed: ['libc.so.6'] }),
      [`${directory}/libc.so.6`]: makeElf(fields),
      'lib64/libc.so.6': makeElf(),
    };
    expect(await predictPaths(files, '/app')).toEqual(['/app', `/${directory}/libc.so.6`]);
  });
});

describe('the bytes of a program', () => {
  const MIB = 1 << 20;
  const rangesOf = async (path: string, files: Parameters<typeof predictFiles>[0]) =>
    (await predictFiles(files, { Cmd: ['/app'] })).files.find((file) => file.path === path)?.ranges;

  it('are not those of debug information and of tables for exceptions', async () => {
    const sections = [
      { name: '.text', size: MIB, isExecutable: true },
      { name: '.eh_frame', size: MIB },
      { name: '.data', size: MIB },
      { name: '.debug_info', size: MIB },
    ];
    expect(await rangesOf('/app', { app: makeElf({ sections }) })).toEqual([
      { offset: 0, length: 4096 + MIB },
      { offset: 4096 + 2 * MIB, length: MIB },
    ]);
  });

  it('are all of large code, but only the start of large code of a library', async () => {
    const sections = [{ name: '.text', size: 17 * MIB, isExecutable: true }];
    const files = { app: makeElf({ sections, needed: ['big.so'] }), 'lib/big.so': makeElf({ sections }) };
    expect(await rangesOf('/app', files)).toBeUndefined();
    expect(await rangesOf('/lib/big.so', files)).toEqual([{ offset: 0, length: 4096 + MIB / 8 }]);
  });

  it('are all of large code of a library with many constructors', async () => {
    const sections = [{ name: '.text', size: 17 * MIB, isExecutable: true }];
    const files = {
      app: makeElf({ needed: ['big.so'] }),
      'lib/big.so': makeElf({ sections, constructors: 32 }),
    };
    expect(await rangesOf('/lib/big.so', files)).toBeUndefined();
  });
});

describe('a prediction', () => {
  it('stops at its limits and names them', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`lib/l${i}.so`, makeElf({ needed: [`l${i + 1}.so`] })]),
    );
    const image = { ...files, app: makeElf({ needed: ['l0.so'] }) };
    const predict = (limits: object) => predictFiles(image, { Cmd: ['/app'] }, { limits });
    expect((await predict({})).files).toHaveLength(21);
    expect(await predict({ maxFiles: 5 })).toMatchObject({ files: { length: 5 }, reachedLimits: ['files'] });
    expect(await predict({ maxDepth: 5 })).toMatchObject({ files: { length: 6 }, reachedLimits: ['depth'] });
    expect(await predict({ maxBytes: 20_000 })).toMatchObject({ reachedLimits: ['bytes'] });
    expect(await predict({ maxDirectories: 1 })).toMatchObject({
      files: { length: 1 },
      reachedLimits: ['directories'],
    });
    expect(await predict({ maxTime: 0 })).toMatchObject({ files: [], reachedLimits: ['time'] });
  });

  it('throws the reason of an aborted signal', async () => {
    const reason = new Error('stop');
    const predicting = predictFiles({ app: ELF }, { Cmd: ['/app'] }, { signal: AbortSignal.abort(reason) });
    await expect(predicting).rejects.toBe(reason);
  });
});
