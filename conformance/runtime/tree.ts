import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a file system shows of a file. See list-tree/main.go. */
export interface TreeEntry {
  readonly path: string;
  readonly type: string;
  readonly content?: string;
  readonly [field: string]: unknown;
}

/** Options of {@link listTree}. */
export interface ListOptions {
  /** Time limit in milliseconds. Files that are not read by then are missing. @default none */
  readonly timeout?: number;
}

/** Reads all files in a folder. @throws If the program fails. */
export async function listTree(program: string, folder: string, { timeout }: ListOptions = {}): Promise<TreeEntry[]> {
  const child = spawn(program, [folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  let isLate = false;
  const timer = setTimeout(
    () => {
      isLate = true;
      child.kill('SIGKILL');
    },
    timeout ?? 2 ** 31 - 1,
  );
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  const entries: TreeEntry[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    // A killed program may leave half a line.
    if (line.endsWith('}')) entries.push(JSON.parse(line) as TreeEntry);
  }
  const code = await ended;
  clearTimeout(timer);
  if (code !== 0 && !isLate) throw new Error(`list-tree ${folder} exited with ${code}: ${Buffer.concat(errors)}`);
  return entries;
}

/** Most paths of a difference that are listed. */
const LISTED_PATHS = 12;

/**
 * Paths of the files that two file systems show differently, by what differs. If these are many, their number.
 *
 * - `only in the ordinary pull`, `only in the lazy pull`
 * - a field of {@link TreeEntry}
 * - a field and an error, such as `content (error: input/output error)`
 */
export type TreeDifferences = Readonly<Record<string, readonly string[] | number>>;

/** Compares the files of an ordinary pull with those of a lazy one. The time of the root depends on the snapshotter. */
export function compareTrees(ordinary: readonly TreeEntry[], lazy: readonly TreeEntry[]): TreeDifferences {
  const found = new Map<string, string[]>();
  const add = (what: string, path: string) => {
    const paths = found.get(what) ?? [];
    found.set(what, [...paths, path]);
  };
  const others = new Map(lazy.map((entry) => [entry.path, entry]));
  for (const entry of ordinary) {
    const other = others.get(entry.path);
    others.delete(entry.path);
    if (other === undefined) {
      add('only in the ordinary pull', entry.path);
      continue;
    }
    for (const field of new Set([...Object.keys(entry), ...Object.keys(other)])) {
      if (entry.path === '/' && field === 'time') continue;
      if (JSON.stringify(entry[field]) === JSON.stringify(other[field])) continue;
      const error = /error: [^"]*/.exec(JSON.stringify(other[field] ?? ''))?.[0];
      add(error === undefined ? field : `${field} (${error})`, entry.path);
    }
  }
  for (const path of others.keys()) add('only in the lazy pull', path);
  return Object.fromEntries(
    [...found].map(([what, paths]) => [what, paths.length > LISTED_PATHS ? paths.length : paths.sort()]),
  );
}
