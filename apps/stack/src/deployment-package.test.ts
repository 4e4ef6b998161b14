import { expect, it } from 'vitest';
import { makePackage } from './deployment-package.ts';

const read = (content: Uint8Array | undefined) => Buffer.from(content ?? []).toString();

it("uses the keys of AWS's SOCI Index Builder, so that existing permissions match", () => {
  expect([...makePackage().files.keys()]).toEqual([
    'cfn-ecr-aws-soci-index-builder/functions/packages/ecr-image-action-event-filtering/lambda.zip',
    'cfn-ecr-aws-soci-index-builder/functions/packages/soci-index-generator-lambda/soci_index_generator_lambda.zip',
    'cfn-ecr-aws-soci-index-builder/functions/packages/soci-registry-jobs/lambda.zip',
    'cfn-ecr-aws-soci-index-builder/templates/SociRegistryJobs.json',
    'cfn-ecr-aws-soci-index-builder/templates/SociIndexBuilder.json',
  ]);
});

it('has a template that fits in a request of CloudFormation, which accepts 51,200 bytes', () => {
  const { files, template } = makePackage({ hashNames: true });
  expect(files.get(template)?.length).toBeLessThan(51_200);
});

it('with hashNames, adds a hash to the keys and keeps their ends', () => {
  const { files, template } = makePackage({ prefix: 'a/', hashNames: true });
  const zips = [...files.keys()].filter((key) => key.endsWith('.zip'));
  expect(zips).toEqual([
    expect.stringMatching(/^a\/functions\/[0-9a-f]{12}\/packages\/ecr-image-action-event-filtering\/lambda\.zip$/),
    expect.stringMatching(/^a\/functions\/[0-9a-f]{12}\/packages\/.*\/soci_index_generator_lambda\.zip$/),
    expect.stringMatching(/^a\/functions\/[0-9a-f]{12}\/packages\/soci-registry-jobs\/lambda\.zip$/),
  ]);
  const text = read(files.get(template)) + read(files.get('a/templates/SociRegistryJobs.json'));
  for (const zip of zips) expect(text).toContain(zip.slice('a/'.length));
});

it.each(['a', '/a/', 'a//', '../', 'a/../../b/', './', 'a b/', '$(x)/', 'a/\n'])('rejects the prefix %j', (prefix) => {
  expect(() => makePackage({ prefix })).toThrow(`invalid prefix ${JSON.stringify(prefix)}`);
});
