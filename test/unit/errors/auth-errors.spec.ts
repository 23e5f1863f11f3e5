/** What an error keeps to itself until somebody asks. */
import { AuthError, ConfigurationError, invalidToken, TokenError } from '../../../lib/errors/auth.errors.js';

describe('the detail of an error', () => {
  it('is made when it is first read, once', () => {
    let made = 0;
    const error = invalidToken('claims', () => `made ${(made += 1)} times`);
    expect([error.message, error.reason, error.status, made]).toEqual([
      'The access token is invalid',
      'claims',
      401,
      0,
    ]);
    expect([error.detail, error.detail, made]).toEqual(['made 1 times', 'made 1 times', 1]);
  });

  it('may be a text, or missing', () => {
    expect(invalidToken('claims', 'a text').detail).toBe('a text');
    expect(new TokenError('invalid_token').detail).toBeUndefined();
    expect(new ConfigurationError('wrong').detail).toBeUndefined();
  });

  it('is not part of what is written of an error by accident', () => {
    expect(JSON.stringify(invalidToken('claims', 'private'))).not.toContain('private');
  });
});

describe('an error of another copy of this package', () => {
  it('is an AuthError, and none of the classes of this copy', () => {
    const error: unknown = Object.assign(new Error('of another copy'), {
      [Symbol.for('nestjs-resource-server:error')]: true,
    });
    expect([error instanceof AuthError, error instanceof TokenError]).toEqual([true, false]);
  });

  it('is told apart from everything else', () => {
    const others = [new Error('other'), undefined, null, 'text', { status: 401 }, () => undefined];
    expect(others.filter((each) => each instanceof AuthError)).toEqual([]);
    expect(new TokenError('invalid_token') instanceof ConfigurationError).toBe(false);
  });
});
