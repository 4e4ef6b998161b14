import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makePackage } from './deployment-package.ts';
import { DEFAULT_PREFIX } from './function-keys.ts';
import { uploadPackage, writePackage } from './write-package.ts';

const USAGE = `Usage: npm run stack:package -- [OPTIONS] [FOLDER]

Writes the plain CloudFormation template and the zips of the functions to FOLDER (dist/package if not said), and with
--bucket uploads them to a bucket in the Region of the stack. An earlier package in FOLDER is replaced; a folder that
holds anything else is refused, and left as it is.

  --bucket NAME   upload to this bucket, with the credentials and the Region of the AWS SDK
  --prefix TEXT   folder of the bucket, with a slash at its end (default ${DEFAULT_PREFIX})
  --hash-names    names of the zips change with them, so that deploying again updates the functions
  --help          print this`;

/**
 * Makes a package, and writes or uploads it.
 *
 * @param args - Words of the command line.
 * @param here - The folder that paths start from.
 * @returns What to print: where it is, and how to deploy it.
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
    throw new Error(`one FOLDER, and not ${positionals.join(' and ')}: quote a path with spaces, or see --help`);
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
    return `${folder}\n\nUpload it to a bucket in the Region of the stack, and deploy:\n\n  ${upload}\n  ${deploy}`;
  }
  return `${[...made.files.keys()].map((key) => `s3://${bucket}/${key}`).join('\n')}\n\nDeploy:\n\n  ${deploy}`;
}

function deployCommand(template: string, parameters: Readonly<Record<string, string>>): string {
  const overrides = Object.entries(parameters).map(([name, value]) => quote(`${name}=${value}`));
  return `aws cloudformation deploy --stack-name soci --template-file ${quote(template)} \\
    --capabilities CAPABILITY_IAM --parameter-overrides ${overrides.join(' ')}`;
}

/** One word of a POSIX shell. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
