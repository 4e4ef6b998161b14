import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Content, concat, contentOf, sha256, TAR_END, tarEntry } from '@soci/test-content';

/** A file, a folder or a symbolic link of a layer. */
export interface LayerEntry {
  /** Permissions. @default 0755 for folders, 0644 for files */
  readonly mode?: number;
  /** User and group. @default 0, root */
  readonly owner?: number;
  /** Content of a file. */
  readonly content?: string | Buffer;
  /** Target of a symbolic link. */
  readonly target?: string;
}

/** The entries of a layer by their path, such as `usr/bin/node`. Paths of folders end with a slash. */
export type LayerEntries = Map<string, LayerEntry>;

/** A layer of an image. */
export interface Layer extends Content {
  /** Digest of the layer without compression. */
  readonly diffId: string;
}

/** Returns everything below a folder of this machine as entries that belong to root. */
export function readEntries(folder: string, path = ''): LayerEntries {
  const entries: LayerEntries = new Map();
  for (const name of readdirSync(join(folder, path))) {
    const child = join(path, name);
    const stat = lstatSync(join(folder, child));
    // Without set-user-ID and set-group-ID: the image needs neither.
    const mode = stat.mode & 0o1777;
    if (stat.isSymbolicLink()) entries.set(child, { target: readlinkSync(join(folder, child)) });
    else if (stat.isFile()) entries.set(child, { mode, content: readFileSync(join(folder, child)) });
    else if (stat.isDirectory()) {
      entries.set(`${child}/`, { mode });
      for (const [below, entry] of readEntries(folder, child)) entries.set(below, entry);
    }
  }
  return entries;
}

const compress = promisify(gzip);

/** Creates a gzip layer: sorted, with time 0 and with every parent folder, so that the same entries give the same bytes. */
export async function makeLayer(entries: LayerEntries): Promise<Layer> {
  const complete: LayerEntries = new Map(entries);
  for (const path of entries.keys()) {
    for (const parent of parentsOf(path)) if (!complete.has(parent)) complete.set(parent, {});
  }
  const paths = [...complete.keys()].sort();
  const tar = concat(...paths.map((path) => formatEntry(path, complete.get(path) as LayerEntry)), TAR_END);
  const content = contentOf('application/vnd.oci.image.layer.v1.tar+gzip', new Uint8Array(await compress(tar)));
  return { ...content, diffId: sha256(tar) };
}

/** Returns the folders above a path, such as `usr/` and `usr/bin/`. */
function parentsOf(path: string): string[] {
  const names = path.replace(/\/$/, '').split('/').slice(0, -1);
  return names.map((_, i) => `${names.slice(0, i + 1).join('/')}/`);
}

function formatEntry(name: string, { mode, owner = 0, content = '', target }: LayerEntry): Uint8Array {
  if (Buffer.byteLength(name) > 100 || Buffer.byteLength(target ?? '') > 100) {
    throw new Error(`cannot write ${name} to a layer: its path or target is longer than 100 bytes`);
  }
  const common = { name, uid: owner, gid: owner, modTime: 0, userName: '', groupName: '' };
  if (target !== undefined) return tarEntry({ ...common, type: '2', mode: 0o777, linkName: target });
  if (name.endsWith('/')) return tarEntry({ ...common, type: '5', mode: mode ?? 0o755 });
  return tarEntry({ ...common, mode: mode ?? 0o644 }, content);
}
