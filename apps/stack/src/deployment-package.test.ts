import { expect, it } from 'vitest';
import { makePackage } from './deployment-package.ts';

const read = (content: Uint8Array | undefined) => Buffer.from(content ?? []).toString();

it("has the names of AWS's SOCI Index Builder, which permissions to fetch them are about", () => {
  expect([...makePackage().files.keys()]).toEqual([
    'cfn-ecr-aws-soci-index-builder/functions/packages/ecr-image-action-event-filtering/lambda.zip',
    'cfn-ecr-aws-soci-index-builder/functions/packages/soci-index-generator-lambda/soci_index_generator_lambda.zip',
    'cfn-ecr-aws-soci-index-builder/templates/SociIndexBuilder.json',
  ]);
});

it('has names that change with the functions, on wish, and end alike', () => {
  const { files, template } = makePackage({ prefix: 'a/', hashNames: true });
  const zips = [...files.keys()].filter((key) => key.endsWith('.zip'));
  expect(zips).toEqual([
    expect.stringMatching(/^a\/functions\/[0-9a-f]{12}\/packages\/ecr-image-action-event-filtering\/lambda\.zip$/),
    expect.stringMatching(/^a\/functions\/[0-9a-f]{12}\/packages\/.*\/soci_index_generator_lambda\.zip$/),
  ]);
  const text = read(files.get(template));
  for (const zip of zips) expect(text).toContain(zip.slice('a/'.length));
});

it.each(['a', '/a/', 'a//', '../', 'a/../../b/', './', 'a b/', '$(x)/', 'a/\n'])('has no prefix %j', (prefix) => {
  expect(() => makePackage({ prefix })).toThrow(`the prefix ${JSON.stringify(prefix)} is not folders`);
});
