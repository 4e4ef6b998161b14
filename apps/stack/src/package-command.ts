import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makePackage, SCRIPT } from './deployment-package.ts';
import { DEFAULT_PREFIX } from './function-keys.ts';
import { uploadPackage, writePackage } from './write-package.ts';

const USAGE = `Usage: npm run stack:package -- [OPTIONS] [FOLDER]

Writes the plain CloudFormation templates, the zips of the functions and the
script deploy.sh to FOLDER (default: dist/package). Replaces an earlier package in FOLDER. If FOLDER
contains other files, the command fails and changes nothing.

  --bucket NAME   upload the package to this bucket, in the Region of the stack
  --prefix TEXT   set the key prefix, with a slash at the end
                  (default: ${DEFAULT_PREFIX})
  --hash-names    add a hash to the keys of the zips: CloudFormation then updates
                  the functions when you deploy the template again
  --help          print this help

Uploads use the default credentials and Region of the AWS SDK.`;

/**
 * Creates a package, writes it to a folder and optionally uploads it.
 *
 * @param args - Command line arguments.
 * @param here - Folder against which a relative FOLDER is resolved.
 * @returns The text to print: location of the package, and the commands to deploy it.
 */
export async function runPackageCommand(args: readonly string[], here: string): Promise<string> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      bucket: { type: 'string' },
      prefix: { type: 'string' },
      'hash-names': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return USAGE;
  const [path = 'dist/package', ...more] = positionals;
  if (more.length > 0) {
    throw new Error(
      `expected one FOLDER, got ${positionals.join(', ')}. Quote a path that contains spaces, or see --help`,
    );
  }
  const { bucket, prefix = DEFAULT_PREFIX, 'hash-names': hashNames = false } = values;
  const made = makePackage({ prefix, hashNames });
  const folder = resolve(here, path);
  writePackage(made, folder);
  if (bucket !== undefined) await uploadPackage(made, bucket);
  const deploy = deployCommand(`${folder}/${made.template}`, {
    QSS3BucketName: bucket ?? 'BUCKET',
    ...(prefix !== DEFAULT_PREFIX && { QSS3KeyPrefix: prefix }),
  });
  if (bucket === undefined) {
    const upload = `aws s3 cp --recursive ${quote(folder)} s3://BUCKET/`;
    const script = `sh ${quote(`${folder}/${SCRIPT}`)}`;
    return `${folder}\n\nDeploy it:\n\n  ${script}\n\nOr upload it to a bucket in the Region of the stack, and deploy the template:\n\n  ${upload}\n  ${deploy}`;
  }
  return `${[...made.files.keys()].map((key) => `s3://${bucket}/${key}`).join('\n')}\n\nDeploy:\n\n  ${deploy}`;
}

function deployCommand(template: string, parameters: Readonly<Record<string, string>>): string {
  const overrides = Object.entries(parameters).map(([name, value]) => quote(`${name}=${value}`));
  return `aws cloudformation deploy --stack-name soci --template-file ${quote(template)} \\
    --capabilities CAPABILITY_IAM --parameter-overrides ${overrides.join(' ')}`;
}

/** Quotes a word for a POSIX shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
