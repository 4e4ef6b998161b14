// What comes from PyPI: AWS's emulator of Lambda, a program within aws-sam-cli, and moto, which has EventBridge and SQS.
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from '../run-step.mjs';
import { cached } from './cache.mjs';

const SAM = '1.170.0';
const MOTO = '5.2.5';

/** Architectures as the emulator names them. */
const ARCHITECTURES = { x64: 'x86_64', arm64: 'arm64' };

const PIP = ['-m', 'pip', '--disable-pip-version-check', '--quiet'];

/** Path of the emulator, `aws-lambda-rie`. Of the package it comes in, nothing else is kept. */
export async function getEmulator() {
  const architecture = ARCHITECTURES[process.arch];
  if (process.platform !== 'linux' || architecture === undefined || !hasPython()) return undefined;
  const file = `samcli/local/rapid/aws-lambda-rie-${architecture}`;
  const folder = await cached(`aws-sam-cli-${SAM}`, async (target) => {
    const python = await makeEnvironment(join(target, 'python'));
    const download = ['download', `aws-sam-cli==${SAM}`, '--no-deps', '--only-binary', ':all:', '--dest', target];
    await runStep(`getting AWS's emulator of aws-sam-cli ${SAM}`, python, [...PIP, ...download]);
    const wheel = join(target, readdirSync(target).find((name) => name.endsWith('.whl')) ?? 'no wheel');
    const extract = `import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract(sys.argv[2], sys.argv[3])`;
    await runStep('unpacking it', python, ['-c', extract, wheel, file, target]);
    chmodSync(join(target, file), 0o755);
    for (const path of [wheel, join(target, 'python')]) rmSync(path, { recursive: true });
  });
  return folder && join(folder, file);
}

/** Path of the Python that has moto: `python -m moto.server`. */
export async function getMoto() {
  if (!hasPython()) return undefined;
  const folder = await cached(`moto-${MOTO}`, async (target) => {
    const python = await makeEnvironment(target);
    await runStep(`getting moto ${MOTO}`, python, [...PIP, 'install', `moto[server,events,sqs]==${MOTO}`]);
  });
  return folder && join(folder, 'bin', 'python');
}

/** Python with a pip of its own, which Debian's lacks. @returns Its path. */
async function makeEnvironment(folder) {
  await runStep('making a Python environment', 'python3', ['-m', 'venv', folder]);
  return join(folder, 'bin', 'python');
}

function hasPython() {
  return spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).status === 0;
}
