import { readdir } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { ContainerdEvidence, SnapshotterEvidence } from './evidence.ts';
import { invalidEvidence, readEvidenceFile } from './read-file.ts';

/** Maximum number of files that the configuration of containerd imports. */
const MAX_IMPORTS = 20;

/** Maximum depth of nested values. */
const MAX_DEPTH = 100;

/** Plugin of containerd for Kubernetes, by version of the configuration. */
const CRI_SECTIONS = [
  ['io.containerd.cri.v1.images'],
  ['io.containerd.grpc.v1.cri', 'containerd'],
  ['cri', 'containerd'],
] as const;

type Table = Readonly<Record<string, unknown>>;

/**
 * Reads the configuration of containerd, version 1 to 3, with the files that it imports.
 *
 * @throws CliError `SOURCE_INVALID`
 */
export async function readContainerdConfig(path: string, signal: AbortSignal): Promise<ContainerdEvidence> {
  const what = 'a configuration of containerd';
  const main = await readToml(path, what, signal);
  const tables = [main];
  const unreadImports: string[] = [];
  for (const imported of await expandImports(path, main.imports)) {
    const table =
      tables.length > MAX_IMPORTS ? undefined : await readToml(imported, what, signal).catch(() => undefined);
    signal.throwIfAborted();
    if (table === undefined) unreadImports.push(imported);
    else tables.push(table);
  }
  // A value of a later file takes precedence.
  const last = <T>(find: (table: Table) => T | undefined): T | undefined =>
    tables
      .toReversed()
      .map(find)
      .find((value) => value !== undefined);
  const plugin = last(findPlugin);
  const criSnapshotter = last((table) => findCri(table, 'snapshotter', isString));
  const disablesLabels = last((table) => findCri(table, 'disable_snapshot_annotations', isBoolean));
  const exported = last((table) =>
    plugin === undefined ? undefined : readPath(table, ['proxy_plugins', plugin, 'exports']),
  );
  return {
    file: path,
    ...(plugin !== undefined && { plugin }),
    ...(criSnapshotter !== undefined && { criSnapshotter }),
    transferSnapshotters: tables.flatMap(listTransferSnapshotters),
    passesLabels: disablesLabels === false || asTable(exported)?.enable_remote_snapshot_annotations === 'true',
    unreadImports,
  };
}

/** Returns the name of the proxy plugin that looks like soci-snapshotter. */
function findPlugin(table: Table): string | undefined {
  const plugins = Object.entries(asTable(table.proxy_plugins) ?? {});
  return plugins.find(([name, value]) => {
    const { type, address } = asTable(value) ?? {};
    return type === 'snapshot' && (/soci/i.test(name) || (isString(address) && /soci/i.test(address)));
  })?.[0];
}

function findCri<T>(table: Table, key: string, isType: (value: unknown) => value is T): T | undefined {
  for (const section of CRI_SECTIONS) {
    const value = readPath(table, ['plugins', ...section, key]);
    if (isType(value)) return value;
  }
  return undefined;
}

function listTransferSnapshotters(table: Table): readonly string[] {
  const configs = readPath(table, ['plugins', 'io.containerd.transfer.v1.local', 'unpack_config']);
  return (Array.isArray(configs) ? configs : []).map((config) => asTable(config)?.snapshotter).filter(isString);
}

/** Returns the paths of imported files. A relative path is relative to the file. A `*` stands for any part of a file name. */
async function expandImports(path: string, imports: unknown): Promise<readonly string[]> {
  const patterns = (Array.isArray(imports) ? imports : []).filter(isString).slice(0, MAX_IMPORTS);
  const found = await Promise.all(
    patterns.map(async (pattern) => {
      const full = isAbsolute(pattern) ? pattern : join(dirname(path), pattern);
      if (!full.includes('*')) return [full];
      const [before = '', ...after] = basename(full).split('*');
      const names = await readdir(dirname(full)).catch(() => []);
      const matching = names.filter((name) => name.startsWith(before) && name.endsWith(after.at(-1) ?? ''));
      return matching.toSorted().map((name) => join(dirname(full), name));
    }),
  );
  return found.flat();
}

/**
 * Reads the configuration of soci-snapshotter. Missing values have the defaults of version 0.16.1.
 *
 * @throws CliError `SOURCE_INVALID`
 */
export async function readSnapshotterConfig(path: string, signal: AbortSignal): Promise<SnapshotterEvidence> {
  const what = 'a configuration of soci-snapshotter';
  const table = await readToml(path, what, signal);
  const read = <T>(keys: readonly string[], isType: (value: unknown) => value is T, fallback: T): T => {
    const value = readPath(table, keys);
    if (value === undefined) return fallback;
    if (isType(value)) return value;
    throw invalidEvidence(
      path,
      what,
      `${keys.join('.')} must be a ${typeof fallback}`,
      'soci-snapshotter does not start with this file.',
    );
  };
  return {
    file: path,
    v1: read(['pull_modes', 'soci_v1', 'enable'], isBoolean, false),
    v2: read(['pull_modes', 'soci_v2', 'enable'], isBoolean, true),
    parallelPull: read(['pull_modes', 'parallel_pull_unpack', 'enable'], isBoolean, false),
    minLayerSize: read(['snapshotter', 'min_layer_size'], isNumber, 0),
  };
}

async function readToml(path: string, what: string, signal: AbortSignal): Promise<Table> {
  const text = await readEvidenceFile(path, what, signal);
  try {
    return parse(text, { maxDepth: MAX_DEPTH, unsafeKeyBehaviour: 'drop', integersAsBigInt: 'asNeeded' });
  } catch (error) {
    if (!(error instanceof TomlError)) throw invalidEvidence(path, what, 'it is not valid TOML');
    const [problem = ''] = error.message.split('\n');
    throw invalidEvidence(
      path,
      what,
      `line ${error.line}, column ${error.column}: ${problem}`,
      'Correct the line. The program does not start with this file.',
    );
  }
}

function readPath(table: Table, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((value, key) => {
    const inner = asTable(value);
    return inner !== undefined && Object.hasOwn(inner, key) ? inner[key] : undefined;
  }, table);
}

function asTable(value: unknown): Table | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : undefined;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
