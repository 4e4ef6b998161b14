import { OciError } from '@soci/oci';
import { describe, expect, test } from 'vitest';
import type { HttpMethod } from '../transport/http-message.ts';
import { describeFailure, isTokenExpired } from './error-response.ts';

const bytes = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
const refusal = (code: unknown, message?: unknown) => ({ errors: [{ code, message, detail: { secret: 'detail' } }] });

function failure(
  method: HttpMethod,
  path: string,
  status: number,
  body: unknown,
  { type = 'application/json', authorization }: { type?: string; authorization?: string } = {},
) {
  const url = new URL(path, 'https://registry.test');
  return describeFailure(
    { method, url, status, headers: { 'content-type': type }, body: bytes(body) },
    { authorization },
  );
}

describe('the code', () => {
  test.each<[string, HttpMethod, string, number, unknown, string]>([
    ['a tag that is not there', 'GET', '/v2/app/manifests/x', 404, refusal('MANIFEST_UNKNOWN', 'unknown'), 'NOT_FOUND'],
    [
      'a repository that is not there',
      'POST',
      '/v2/app/blobs/uploads/',
      404,
      refusal('NAME_UNKNOWN', 'The repository does not exist'),
      'NOT_FOUND',
    ],
    ['a range past the end', 'GET', '/v2/app/blobs/x', 416, '', 'RANGE_INVALID'],
    [
      'credentials not taken',
      'GET',
      '/v2/',
      401,
      refusal('UNAUTHORIZED', 'authentication required'),
      'AUTHENTICATION_FAILED',
    ],
    ['not allowed', 'PUT', '/v2/app/manifests/x', 403, refusal('DENIED', 'no'), 'ACCESS_DENIED'],
    ['too often', 'GET', '/v2/app/manifests/x', 429, refusal('TOOMANYREQUESTS', 'slow down'), 'RATE_LIMITED'],
    ['broken', 'GET', '/v2/app/manifests/x', 500, 'oops', 'SERVER_FAILED'],
    [
      'ECR: a manifest that it does not like',
      'PUT',
      '/v2/app/manifests/x',
      405,
      refusal('UNSUPPORTED', "Invalid parameter at 'ImageManifest'"),
      'MANIFEST_REFUSED',
    ],
    [
      'a manifest that names what is not there',
      'PUT',
      '/v2/app/manifests/x',
      400,
      refusal('MANIFEST_BLOB_UNKNOWN', 'blob unknown'),
      'MANIFEST_REFUSED',
    ],
    [
      'a manifest that is too large',
      'PUT',
      '/v2/app/manifests/x',
      413,
      refusal('SIZE_INVALID', 'too large'),
      'MANIFEST_REFUSED',
    ],
    [
      'ECR: a tag that may not move',
      'PUT',
      '/v2/app/manifests/1',
      400,
      refusal(
        'TAG_INVALID',
        "The image tag '1' already exists in the 'app' repository and cannot be overwritten because the repository is immutable.",
      ),
      'TAG_IMMUTABLE',
    ],
    [
      'Harbor: the same',
      'PUT',
      '/v2/app/manifests/1',
      412,
      refusal('PRECONDITION', "Failed to process request due to 'app:1' configured as immutable."),
      'TAG_IMMUTABLE',
    ],
    [
      'deletion switched off',
      'DELETE',
      '/v2/app/manifests/x',
      405,
      refusal('UNSUPPORTED', 'The operation is unsupported.'),
      'UNSUPPORTED',
    ],
    ['a digest that is none', 'DELETE', '/v2/app/blobs/x', 400, refusal('DIGEST_INVALID', 'invalid'), 'UNSUPPORTED'],
    [
      'the wrong digest of an upload',
      'PUT',
      '/v2/app/blobs/uploads/1',
      400,
      refusal('DIGEST_INVALID', 'no match'),
      'UPLOAD_REFUSED',
    ],
    ['a redirect that was not to be', 'POST', '/v2/app/blobs/uploads/', 302, '', 'REDIRECT_REFUSED'],
    ['nothing that anybody asked for', 'GET', '/v2/app/blobs/x', 304, '', 'RESPONSE_INVALID'],
  ])('%s', (_name, method, path, status, body, code) => {
    const error = failure(method, path, status, body);
    expect(error.code).toBe(code);
    expect(error instanceof OciError).toBe(code === 'NOT_FOUND' || code === 'RANGE_INVALID');
  });

  test.each([
    ['by its type', 'text/html; charset=utf-8', 'sign in'],
    ['by its looks', '', '\n<!DOCTYPE html><title>sign in'],
  ])('HTML, %s, is told as such, and not repeated', (_name, type, body) => {
    const error = failure('GET', '/v2/app/manifests/x', 404, body, { type });
    expect(error.code).toBe('RESPONSE_INVALID');
    expect(error.message).toBe(
      'GET https://registry.test/v2/app/manifests/x was answered with 404 and HTML, as no registry does: is this a registry, or does a proxy answer in its place?',
    );
    expect(failure('GET', '/v2/', 502, body, { type }).code).toBe('SERVER_FAILED');
  });
});

describe('the words', () => {
  test("are the registry's own, after the request", () => {
    const body = { errors: [...refusal('MANIFEST_INVALID', 'no config').errors, ...refusal('NAME_INVALID').errors] };
    const error = failure('PUT', '/v2/app/manifests/1?x-token=secret', 400, body);
    expect(error.message).toBe(
      'PUT https://registry.test/v2/app/manifests/1 was answered with 400: MANIFEST_INVALID: no config; NAME_INVALID',
    );
    expect(error).toMatchObject({
      request: 'PUT https://registry.test/v2/app/manifests/1',
      status: 400,
      refusals: [
        { code: 'MANIFEST_INVALID', message: 'no config' },
        { code: 'NAME_INVALID', message: '' },
      ],
    });
  });

  test.each([
    '',
    'null',
    '7',
    '"text"',
    '[]',
    '{}',
    '{"errors":{}}',
    '{"errors":[null,1,"x",[]]}',
    '{"errors":',
    '<Error><Code>AccessDenied</Code></Error>',
    '\0\xff',
  ])('are none in %j', (body) => {
    expect(failure('GET', '/v2/app/tags/list', 400, body)).toMatchObject({
      refusals: [],
      message: 'GET https://registry.test/v2/app/tags/list was answered with 400 and no reason',
    });
  });

  test('have an end', () => {
    const body = {
      errors: Array.from({ length: 1000 }, () => ({ code: 'C'.repeat(1000), message: 'm'.repeat(5000) })),
    };
    const error = failure('GET', '/v2/', 400, body);
    expect(error).toMatchObject({ refusals: { length: 10 } });
    expect(error.message.length).toBeLessThan(10 * (64 + 500 + 10) + 100);
  });

  test('are text: no number, no object, nothing that moves a cursor or turns the line around', () => {
    expect(failure('GET', '/v2/', 400, refusal({}, 7))).toMatchObject({ refusals: [{ code: '', message: '' }] });
    const error = failure('GET', '/v2/', 400, refusal('X\u001b[2J', 'a\r\nb\u202ec\u0000\u2028d'));
    expect(error).toMatchObject({ refusals: [{ code: 'X [2J', message: 'a b c d' }] });
  });

  test('hold nothing of what was sent to prove who asks, of the state of an upload, and no signature', () => {
    const authorization = `Basic ${Buffer.from('AWS:pass+word').toString('base64')}`;
    const echo = `pass+word may not PUT /v2/app/blobs/uploads/1?_state=SECRET (secretstate), see https://a.test/?b=c`;
    const error = failure('PUT', '/v2/app/blobs/uploads/1?_state=secretstate', 403, refusal('DENIED', echo), {
      authorization,
    });
    expect(error).toMatchObject({
      refusals: [{ message: '… may not PUT /v2/app/blobs/uploads/1?… (…), see https://a.test/?…' }],
    });
  });
});

test('a token that has expired is told from one that may do too little', () => {
  expect(
    isTokenExpired(bytes(refusal('DENIED', 'Your authorization token has expired. Reauthenticate and try again.'))),
  ).toBe(true);
  expect(isTokenExpired(bytes(refusal('DENIED', 'User is not authorized to perform ecr:InitiateLayerUpload')))).toBe(
    false,
  );
  expect(isTokenExpired(bytes('token has expired'))).toBe(false);
});
