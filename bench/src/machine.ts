import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** The machine and the versions that matter, without its name or place. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const facts = [
    `${model}, ${availableParallelism()} cores`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB of memory`,
    `Linux on ${process.arch}`,
    `Node.js ${process.versions.node} (zlib ${process.versions.zlib})`,
    versionOf('go', ['version'], /go(\d\S*)/, 'Go'),
    versionOf('igzip', ['-V'], /(\d+\.\d+\S*)/, 'igzip'),
    versionOf('libdeflate-gunzip', ['-V'], /v(\d+\.\d+\S*)/, 'libdeflate'),
    versionOf('openssl', ['version'], /OpenSSL (\S+)/, 'OpenSSL'),
  ];
  return facts.filter((fact) => fact !== undefined).join('; ');
}

function versionOf(
  program: string,
  programArguments: readonly string[],
  pattern: RegExp,
  name: string,
): string | undefined {
  const { stdout, stderr, error } = spawnSync(program, programArguments, { encoding: 'utf8' });
  return error === undefined ? `${name} ${pattern.exec(stdout + stderr)?.[1] ?? '(unknown version)'}` : undefined;
}
