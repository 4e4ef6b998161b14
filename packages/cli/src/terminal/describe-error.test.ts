import { describe, expect, it } from 'vitest';
import { wrapFileError } from './describe-error.ts';

describe('wrapFileError', () => {
  /** As Node.js reports a read of a directory: without the path. */
  const isDirectory = Object.assign(new Error('EISDIR: illegal operation on a directory, read'), { code: 'EISDIR' });

  it.each(['profiles', 'd', 'a', 'file'])('names the path %j, also if it is part of the message', (path) => {
    expect(wrapFileError(path, isDirectory).message).toBe(`${path}: is a directory, not a file`);
  });

  it('names a path once', () => {
    const missing = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT', path: 'd' });
    expect(wrapFileError('d', missing).message).toBe('d: no such file or directory');
  });
});
