/** What an error keeps to itself until somebody asks. */
import { ConfigurationError, invalidToken, TokenError } from '../../../lib/errors/auth.errors.js';

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
