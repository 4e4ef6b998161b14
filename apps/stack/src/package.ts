// `pnpm --filter stack package [OPTIONS] [FOLDER]`: the plain template and the zips of the functions, into a folder that is ready
// to be uploaded, or into a bucket.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_PREFIX, makePackage } from './deployment-package.ts';
import { uploadPackage, writePackage } from './write-package.ts';

const USAGE = `Usage: pnpm --filter stack package [OPTIONS] [FOLDER]

Writes the plain CloudFormation template and the zips of the functions to FOLDER (dist/package if not said), or
uploads them to a bucket in the Region of the stack.

  --bucket NAME   upload to this bucket, with the credentials and the Region of the AWS SDK
  --prefix TEXT   folder of the bucket, with a slash at its end (default ${DEFAULT_PREFIX})
  --hash-names    names of the zips change with them, so that deploying again updates the functions
  --help          print this`;

try {
  await main();
} catch (error) {
  console.error(`package: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      bucket: { type: 'string' },
      prefix: { type: 'string' },
      'hash-names': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const { bucket, prefix = DEFAULT_PREFIX, 'hash-names': hashNames = false } = values;
  if (prefix !== '' && !prefix.endsWith('/')) throw new Error(`--prefix ${prefix}: a folder ends in a slash`);
  const made = makePackage({ prefix, hashNames });
  // pnpm runs this in the package's folder; the person is in another.
  const folder = resolve(process.env.INIT_CWD ?? '.', positionals[0] ?? 'dist/package');
  writePackage(made, folder);
  const template = `${folder}/${made.template}`;
  if (bucket === undefined) {
    console.log(`${folder}\n\nUpload it to a bucket in the Region of the stack, and deploy:\n`);
    console.log(`  aws s3 cp --recursive ${folder} s3://BUCKET/`);
  } else {
    await uploadPackage(made, bucket);
    console.log(`${[...made.files.keys()].map((key) => `s3://${bucket}/${key}`).join('\n')}\n\nDeploy:\n`);
  }
  const parameters = [
    `QSS3BucketName=${bucket ?? 'BUCKET'}`,
    ...(prefix === DEFAULT_PREFIX ? [] : [`QSS3KeyPrefix=${prefix}`]),
  ];
  console.log(`  aws cloudformation deploy --stack-name soci-index-builder --template-file ${template} \\
    --capabilities CAPABILITY_IAM --parameter-overrides ${parameters.join(' ')}`);
}
