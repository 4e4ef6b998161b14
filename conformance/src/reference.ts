import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './outcome.ts';

const SOURCES = fileURLToPath(new URL('../reference', import.meta.url));
const EXECUTABLE = fileURLToPath(new URL('../reference/.build/reference', import.meta.url));

/** The path of the built reference program, or what is missing to build it. */
type ReferenceBuild = { readonly executable: string } | { readonly missing: string };

/** Builds the reference program with Go. Fast if nothing has changed. */
export function buildReferenceProgram(): ReferenceBuild {
  if (spawnSync('go', ['version']).error !== undefined) {
    return {
      missing:
        'Go 1.26 or newer (https://go.dev/dl, or a distribution package), and a C compiler with zlib headers (Debian: gcc, zlib1g-dev)',
    };
  }
  const build = spawnSync('go', ['build', '-o', EXECUTABLE, '.'], {
    cwd: SOURCES,
    encoding: 'utf8',
    env: { ...process.env, CGO_ENABLED: '1' },
  });
  if (build.status === 0) return { executable: EXECUTABLE };
  const hint = /zlib\.h|"gcc"|C compiler/.test(build.stderr)
    ? ' A C compiler with zlib headers is needed (Debian: gcc, zlib1g-dev).'
    : '';
  return { missing: `the reference program, which Go could not build.${hint}\n${build.stderr.trim()}` };
}

/** Parameters of a zTOC. */
export interface ZtocRequest {
  readonly spanSize: number;
  readonly algorithm: 'gzip' | 'uncompressed';
  readonly tool: string;
}

/** A response of `reference serve`. See reference/serve.go. */
interface Answer {
  readonly error?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly maxSpanId?: number;
  readonly files?: number;
  readonly compressedArchiveSize?: number;
  readonly uncompressedArchiveSize?: number;
  readonly bytes?: string;
  readonly mounted?: Mounted;
}

/** How the reference mounts and reads a layer. See reference/mount.go. */
export interface Mounted {
  readonly rejected?: string;
  readonly unreadable: readonly {
    /** Base64. */
    readonly name: string;
    readonly reason: string;
    readonly hasWideOwner: boolean;
  }[];
  /** Names of entries that are shown as directories, although they are the last of their path and none of a directory; base64. */
  readonly directories: readonly string[];
}

interface Pending {
  readonly line: string;
  readonly resolve: (answer: Answer) => void;
}

/**
 * A running `reference serve`. It answers requests in order. If a request crashes the program, it is restarted for the
 * next ones.
 */
export class Reference {
  readonly #executable: string;
  #child: ChildProcessByStdio<Writable, Readable, null> | undefined;
  #pending: Pending[] = [];
  #closed = false;

  constructor(executable: string) {
    this.#executable = executable;
  }

  /** Builds a zTOC with the reference. The bytes of one that is larger than 256 MiB are missing in the outcome. */
  async build(layer: Uint8Array, request: ZtocRequest): Promise<Outcome> {
    const answer = await this.#ask({ op: 'ztoc', ...layerMember(layer), ...request, wantZtoc: true });
    if (answer.error !== undefined)
      return {
        kind: answer.error.startsWith('crashed') || answer.error.startsWith('panic') ? 'fault' : 'refused',
        reason: answer.error,
      };
    const {
      digest = '',
      size = 0,
      maxSpanId = 0,
      files = 0,
      compressedArchiveSize = 0,
      uncompressedArchiveSize = 0,
    } = answer;
    const ztoc = Buffer.from(answer.bytes ?? '', 'base64');
    return {
      kind: 'built',
      summary: { digest, size, maxSpanId, files, compressedArchiveSize, uncompressedArchiveSize },
      ztoc,
    };
  }

  /** Reads a file of a layer through a zTOC with the reference. Returns its bytes or the error message. */
  async extract(ztoc: Uint8Array, layer: Uint8Array, name: Uint8Array): Promise<Uint8Array | string> {
    const answer = await this.#ask({ op: 'extract', ...layerMember(layer), ztoc: base64(ztoc), name: base64(name) });
    return answer.error ?? Buffer.from(answer.bytes ?? '', 'base64');
  }

  /** Mounts a layer through a zTOC and reads all its files with the reference. Returns the error message if it cannot. */
  async mount(
    ztoc: Uint8Array,
    layer: Uint8Array,
    algorithm: ZtocRequest['algorithm'],
    rounds: number,
  ): Promise<Mounted | string> {
    const answer = await this.#ask({ op: 'mount', ...layerMember(layer), ztoc: base64(ztoc), algorithm, rounds });
    return answer.mounted ?? answer.error ?? 'no answer';
  }

  /** Compresses with Go's compress/gzip. */
  async compress(data: Uint8Array, level: number, flushEvery: number): Promise<Uint8Array> {
    const answer = await this.#ask({ op: 'compress', bytes: base64(data), level, flushEvery });
    if (answer.error !== undefined) throw new Error(`the reference program could not compress: ${answer.error}`);
    return Buffer.from(answer.bytes ?? '', 'base64');
  }

  /** Stops the program. */
  close(): void {
    this.#closed = true;
    this.#child?.stdin.end();
  }

  #ask(request: object): Promise<Answer> {
    return new Promise((resolve) => {
      const line = `${JSON.stringify(request)}\n`;
      this.#pending.push({ line, resolve });
      this.#child ??= this.#start();
      this.#child.stdin.write(line);
    });
  }

  #start(): ChildProcessByStdio<Writable, Readable, null> {
    const child = spawn(this.#executable, ['serve'], { stdio: ['pipe', 'pipe', 'ignore'] });
    createInterface({ input: child.stdout }).on('line', (line) =>
      this.#pending.shift()?.resolve(JSON.parse(line) as Answer),
    );
    child.stdin.on('error', () => {});
    child.on('close', (code, signal) => {
      this.#child = undefined;
      if (this.#closed) return;
      this.#pending.shift()?.resolve({ error: `crashed with ${signal ?? `exit code ${code}`}` });
      if (this.#pending.length === 0) return;
      this.#child = this.#start();
      for (const { line } of this.#pending) this.#child.stdin.write(line);
    });
    return child;
  }
}

/** Sends an empty layer as a file, because an empty base64 string means a missing layer. */
function layerMember(layer: Uint8Array): { layer?: string; layerBytes?: string } {
  return layer.length === 0 ? { layer: '/dev/null' } : { layerBytes: base64(layer) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
