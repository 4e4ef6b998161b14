// Runs the command line on images, registries and files that contain text which forges lines or controls a terminal.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { OciError } from '@soci/oci';
import { createLayout } from '@soci/oci/layout';
import {
  concat,
  HOSTILE_TEXTS,
  makeImage,
  makeLayer,
  paxHeader,
  pushImage,
  put,
  putImage,
  putIndex,
  putLayer,
  TAR_END,
  tarEntry,
  unprintableIn,
} from '@soci/test-content';
import { temporaryFolder } from '@soci/test-content/vitest';
import { ZtocError } from '@soci/ztoc';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CliRun, type CliRunOptions, jsonLines, runCli } from './fixtures/run-cli.ts';
import { useTestRegistries } from './fixtures/test-registries.ts';

const temporary = temporaryFolder();
const startRegistry = useTestRegistries();

const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** Style codes and cursor movements of the program itself. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they start with a control character
const OWN_CODES = /\u001b\[(?:1|2|22|31|32|36|39)m|\u001b\[\?25[lh]|\u001b\[\d*[AJK]|\r/g;

/** Checks that no character of the output is unprintable and that no line comes from foreign text. */
function expectPrintable({ stdout, stderr, code }: CliRun, words: readonly string[], isTerminal = false): void {
  for (const text of [stdout, stderr].map((each) => (isTerminal ? each.replace(OWN_CODES, '') : each))) {
    expect({ words, unprintable: unprintableIn(text) }).toEqual({ words, unprintable: [] });
    expect(text).not.toMatch(/^\s*(?:::|##|at ::)/m);
  }
  expect(code).not.toBe(undefined);
}

/** Runs a command in all output modes, for a pipe and for a terminal. Returns the runs. */
async function runPrintable(words: readonly string[], options: CliRunOptions = {}): Promise<CliRun[]> {
  const runs: CliRun[] = [];
  for (const mode of [[], ['--json'], ['--quiet'], ['--debug']]) {
    for (const columns of [undefined, 80]) {
      const run = await runCli([...words, ...mode], { ...options, ...(columns !== undefined && { columns }) });
      expectPrintable(run, [...words, ...mode], columns !== undefined);
      runs.push(run);
    }
  }
  return runs;
}

/**
 * Returns cases for hostile texts: all that `make` returns for a sequence of characters, and one of them for a single control
 * character, each time another one.
 */
function casesOf<Case>(make: (text: string) => readonly Case[]): Case[] {
  return HOSTILE_TEXTS.flatMap((text, index) => {
    const cases = make(text);
    return [...text].length > 3 ? cases : cases.slice(index % cases.length, (index % cases.length) + 1);
  });
}

type Layout = Awaited<ReturnType<typeof createLayout>>;

async function writeLayout(name: string, write: (layout: Layout) => ReturnType<typeof putImage>): Promise<string> {
  const folder = join(temporary, name);
  const layout = await createLayout(folder);
  await layout.tag(await write(layout), 'v1');
  await layout.commit();
  return folder;
}

it('words of the command line', async () => {
  const lines = casesOf((text) => [
    [text],
    ['help', text],
    ['inspect', `--${text}`, 'x'],
    ['inspect', text],
    ['inspect', `oci:${text}`],
    ['inspect', `oci:folder:${text}`],
    ['inspect', `docker://registry.test/app:${text}`],
    ['convert', '--platform', text, 'oci:a', 'oci:b'],
    ['convert', '--span-size', text, 'oci:a', 'oci:b'],
    ['ztoc', 'info', text.replaceAll('\0', '')],
    ['ztoc', text],
  ]);
  for (const words of lines) expectPrintable(await runCli([...words, '--debug']), words);
});

describe('an image in a layout', () => {
  it('with hostile platforms, annotations and tags', async () => {
    const folder = await writeLayout('platforms', async (layout) => {
      const layers = [await putLayer(layout, 'base', 20_000)];
      const images = await Promise.all(
        HOSTILE_TEXTS.map((text) => putImage(layout, { os: text, architecture: text, variant: text }, layers)),
      );
      const entries = images.map((image, index) => {
        const text = HOSTILE_TEXTS[index] as string;
        const platform = { os: text, architecture: text, variant: text, 'os.version': text, 'os.features': [text] };
        return { ...image, platform, annotations: { [text]: text } };
      });
      return putIndex(layout, entries);
    });
    const indexFile = join(folder, 'index.json');
    const root = JSON.parse(readFileSync(indexFile, 'utf8'));
    const [image] = root.manifests;
    root.manifests.push(
      ...HOSTILE_TEXTS.map((text) => ({
        ...image,
        annotations: { 'org.opencontainers.image.ref.name': text, 'io.containerd.image.name': text },
      })),
    );
    writeFileSync(indexFile, JSON.stringify(root));

    const [shown] = await runPrintable(['inspect', `oci:${folder}:v1`]);
    expect(shown?.stderr).toBe('');
    expect(shown?.stdout).toContain('\\x1b[31mred\\x1b[39m');
    for (const words of [
      ['inspect', `oci:${folder}`],
      ['inspect', `oci:${folder}:other`],
      ['ls', `oci:${folder}:v1`],
      ['ls', '--platform', 'linux/other', `oci:${folder}:v1`],
      ['cat', `oci:${folder}:v1`, 'x'],
      ['verify', `oci:${folder}:v1`],
      ['convert', '--min-layer-size', '0', '--jobs', '1', `oci:${folder}:v1`, `oci:${folder}-soci:v1`],
      ['convert', '--compat', 'soci-cli', '--jobs', '1', `oci:${folder}:v1`, `oci:${folder}-compat:v1`],
      ['verify', `oci:${folder}-soci:v1`],
      ['create', '--min-layer-size', '0', '--jobs', '1', `oci:${folder}:v1`],
    ]) {
      await runPrintable(words);
    }
  });

  it('with hostile names of files, links, owners and attributes', async () => {
    const names = HOSTILE_TEXTS.map((text) => text.replaceAll('\0', '').slice(0, 60));
    const paths = casesOf((text) => {
      const name = text.replaceAll('\0', '').slice(0, 60);
      return [`${name}-link`, `${name}-hard`, `${name}-none`, `dir${name}`];
    });
    const tar = concat(
      ...names.flatMap((name) => [
        tarEntry({ name, userName: name.slice(0, 30), groupName: name.slice(0, 30) }, 'content'),
        tarEntry({ name: `${name}-link`, type: '2', linkName: `${name}-link` }),
        tarEntry({ name: `${name}-hard`, type: '1', linkName: `${name}-missing` }),
        paxHeader([[`SCHILY.xattr.user.${name}`, name]]),
        tarEntry({ name: `dir${name}/file` }, 'content'),
      ]),
      tarEntry({ name: Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0x80) }, 'not UTF-8'),
      TAR_END,
    );
    const folder = await writeLayout('names', async (layout) =>
      putImage(layout, { os: 'linux', architecture: 'amd64' }, [await put(layout, LAYER, gzipSync(tar))]),
    );
    const [source, indexed] = [`oci:${folder}`, `oci:${folder}-soci`];
    await runPrintable(['convert', '--min-layer-size', '0', '--jobs', '1', source, indexed]);
    for (const image of [source, indexed]) {
      const [listed, , json] = await runPrintable(['ls', image]);
      expect(listed?.stdout).toContain('\\x1b[31mred\\x1b[39m');
      expect(jsonLines<{ name: string }>(json as CliRun).map(({ name }) => name)).toEqual(
        expect.arrayContaining(names.map((name) => name.toWellFormed()).filter((name) => !/^\.|\//.test(name))),
      );
      for (const path of paths) expectPrintable(await runCli(['cat', '--debug', image, path]), ['cat', path]);
    }
    await runPrintable(['verify', indexed]);

    const layer = join(temporary, 'layer.tar.gz');
    writeFileSync(layer, gzipSync(tar));
    await runPrintable(['ztoc', 'create', '--output', temporary, layer]);
    const [listed] = await runPrintable(['ztoc', 'ls', `${layer}.ztoc`]);
    expect(listed?.stdout).toContain('a\\xffé\\x80');
    for (const path of paths) {
      expectPrintable(await runCli(['ztoc', 'cat', '--debug', `${layer}.ztoc`, layer, path]), ['cat', path]);
    }
  });

  it('with invalid documents', async () => {
    const descriptor = { mediaType: CONFIG, digest: `sha256:${'0'.repeat(64)}`, size: 2 };
    const broken = casesOf((text) => [
      `{"schemaVersion":2,${text}`,
      `${text}`,
      JSON.stringify({ schemaVersion: text }),
      JSON.stringify({ schemaVersion: 2, config: { mediaType: CONFIG, digest: text, size: 1 }, layers: [] }),
      JSON.stringify({ schemaVersion: 2, config: { mediaType: CONFIG, digest: 1, size: text }, layers: [] }),
      JSON.stringify({ schemaVersion: 2, config: text, layers: text }),
      JSON.stringify({ schemaVersion: 2, manifests: [{ digest: text, platform: text }] }),
      JSON.stringify({ schemaVersion: 2, config: { ...descriptor, mediaType: text }, layers: [] }),
      JSON.stringify({ schemaVersion: 2, config: descriptor, layers: [{ ...descriptor, mediaType: text }] }),
      JSON.stringify({ schemaVersion: 2, config: descriptor, layers: [], artifactType: text }),
      JSON.stringify({ schemaVersion: 2, manifests: [{ ...descriptor, artifactType: text }] }),
      JSON.stringify({ schemaVersion: 2, mediaType: text, annotations: { [text]: 1 }, layers: [] }),
    ]);
    const folder = join(temporary, 'broken');
    const layout = await createLayout(folder);
    for (const [index, content] of broken.entries()) {
      await layout.tag(await put(layout, content.includes('manifests') ? INDEX : MANIFEST, content), `v${index}`);
    }
    await layout.commit();
    for (const index of broken.keys()) {
      const run = await runCli(['inspect', '--debug', `oci:${folder}:v${index}`]);
      expectPrintable(run, [broken[index] as string]);
    }
    for (const [index, text] of HOSTILE_TEXTS.entries()) {
      const other = join(temporary, `broken-${index}`);
      mkdirSync(other);
      writeFileSync(join(other, 'oci-layout'), JSON.stringify({ imageLayoutVersion: text }));
      writeFileSync(join(other, 'index.json'), `{"manifests":[${text}`);
      expectPrintable(await runCli(['inspect', '--debug', `oci:${other}`]), ['oci-layout', text]);
      writeFileSync(join(other, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
      expectPrintable(await runCli(['inspect', '--debug', `oci:${other}`]), ['index.json', text]);
    }
  });
});

describe('a registry', () => {
  it('with hostile content', async () => {
    const registry = await startRegistry();
    const image = makeImage([makeLayer('base')], {
      platform: { os: HOSTILE_TEXTS.join('').slice(0, 150), architecture: '\u001b[31mred\u001b[39m' },
      annotations: { '\n::error::x': '\r\n::error::x' },
    });
    await pushImage(registry, 'app', 'v1', image);
    const from = `docker://${registry.host}/app:v1`;
    for (const words of [
      ['inspect', '--plain-http', from],
      ['convert', '--plain-http', '--min-layer-size', '0', '--jobs', '1', from, `${from}-soci`],
      ['verify', '--plain-http', `${from}-soci`],
    ]) {
      await runPrintable(words);
    }
  });

  it('that answers with hostile errors, pages and headers', async () => {
    const replies = casesOf((text) => {
      // Only HTTP's own rules protect headers: a control character of Latin-1 is a valid byte of a value.
      const value = Buffer.from(text.replaceAll(/[\0\r\n]/g, ' ')).toString('latin1');
      const json = (status: string) => [
        status,
        JSON.stringify({ errors: [{ code: text, message: text, detail: text }] }),
      ];
      return [
        ...['400 Bad', '403 No', '404 None', '429 Slow', '500 Broken'].map(json),
        ['200 OK', text],
        ['200 OK', `<html>${text}`, 'content-type: text/html'],
        ['200 OK', '{}', `content-type: ${value}`],
        ['200 OK', '{}', `docker-content-digest: ${value}`],
        ['307 Moved', '', `location: ${value}`],
        ['307 Moved', '', `location: https://${value}/`],
        ['307 Moved', '', `location: ftp://a/${value}`],
        ['401 No', '{}', `www-authenticate: ${value}`],
        ['401 No', '{}', `www-authenticate: Bearer realm="${value}",service="${value}"`],
        ['401 No', '{}', `www-authenticate: Bearer realm="https://127.0.0.1:1/${value}",scope="${value}"`],
        ['401 No', '{}', `www-authenticate: ${value} realm="x"`],
        [`200 ${value}`, '{}', `${value}: x`],
      ] as const;
    });
    let reply: readonly string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        const [status, body = '', ...headers] = reply;
        const length = `content-length: ${Buffer.byteLength(body)}`;
        socket.end(
          Buffer.concat([
            Buffer.from([`HTTP/1.1 ${status}`, length, 'connection: close', ...headers, '', ''].join('\r\n'), 'latin1'),
            Buffer.from(body),
          ]),
        );
      });
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    for (reply of replies) {
      const run = await runCli(
        ['inspect', '--debug', '--json', '--plain-http', '--retry-times', '0', `127.0.0.1:${port}/app:v1`],
        { env: { HOME: temporary } },
      );
      expectPrintable(run, reply);
      expect(run.code).toBe(1);
    }
  });

  it('with hostile credentials in a configuration of docker', async () => {
    const registry = await startRegistry({ auth: { username: 'user', password: 'password' } });
    const helper = join(temporary, 'docker-credential-hostile');
    const file = join(temporary, 'config.json');
    const env = { PATH: `${temporary}:${process.env.PATH}`, HOME: temporary };
    const configs = casesOf((text) => [
      [text, `{"auths":${text}`],
      [text, { auths: { [registry.host]: text } }],
      [text, { auths: { [registry.host]: { auth: text } } }],
      [text, { auths: { [registry.host]: { auth: Buffer.from(`${text}:${text}`).toString('base64') } } }],
      [text, { auths: { [`${registry.host}/${text}`]: { auth: 'x' } } }],
      [text, { credHelpers: { [registry.host]: text } }],
      [text, { credHelpers: { [registry.host]: 'hostile' } }],
      [text, { credsStore: 'hostile' }],
    ]);
    writeFileSync(helper, `#!/bin/sh\ncat "${join(temporary, 'message')}" >&2\nexit 1\n`, { mode: 0o755 });
    for (const [text = '', config] of configs) {
      writeFileSync(join(temporary, 'message'), text as string);
      writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
      const words = ['inspect', '--debug', '--plain-http', '--authfile', file, `${registry.host}/app:v1`];
      const run = await runCli(words, { env });
      expectPrintable(run, [JSON.stringify(config)]);
      expect(run.code).not.toBe(0);
    }
  });
});

it('content that cat prints is not changed', async () => {
  const content = HOSTILE_TEXTS.join('\n').toWellFormed();
  const folder = await writeLayout('content', async (layout) => {
    const tar = concat(tarEntry({ name: 'file' }, content), TAR_END);
    return putImage(layout, { os: 'linux', architecture: 'amd64' }, [await put(layout, LAYER, gzipSync(tar))]);
  });
  expect(await runCli(['cat', `oci:${folder}`, 'file'])).toMatchObject({ code: 0, stdout: content });
});

it('errors of @soci/ztoc have the same notation as others', () => {
  for (const text of HOSTILE_TEXTS) {
    expect(new ZtocError('ZTOC_INVALID', text).message).toBe(new OciError('NOT_FOUND', text).message);
  }
});
