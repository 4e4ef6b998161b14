import { execFile } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A shared library of a program, or its loader. */
export interface SystemLibrary {
  /** File on this machine, without links. */
  readonly source: string;
  /** Absolute path under which the program finds it. */
  readonly path: string;
}

/**
 * Lists the shared libraries that a program needs on Linux, with `ldd`. Returns an empty list on other systems, for static programs,
 * and if `ldd` does not exist.
 */
export async function listSystemLibraries(program: string): Promise<SystemLibrary[]> {
  if (process.platform !== 'linux') return [];
  const { stdout } = await promisify(execFile)('ldd', [program]).catch(() => ({ stdout: '' }));
  // "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)", and "/lib64/ld-linux-x86-64.so.2 (0x...)" for the loader.
  const paths = [...stdout.matchAll(/^\t(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path = '']) => path);
  return Promise.all([...new Set(paths)].map(async (path) => ({ path, source: await realpath(path) })));
}
