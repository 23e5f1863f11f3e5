import { vulnerableDrivers } from '../../../../lib/guard/graphql/driver-versions.js';

describe('vulnerableDrivers', () => {
  const at = (versions: Record<string, string>): readonly string[] =>
    vulnerableDrivers((name) => versions[name]);

  it('names what is below the first good version', () => {
    expect(at({ '@apollo/server': '5.4.9', mercurius: '16.7.0' })).toEqual([
      expect.stringMatching(/^@apollo\/server 5\.4\.9: .*GHSA-9q82-xgwf-vj6h.*5\.5\.0/),
      expect.stringMatching(/^mercurius 16\.7\.0: .*GHSA-m4h2-mjfm-mp55.*16\.8\.0/),
    ]);
    expect(at({ '@apollo/server': '4.13.0' })).toHaveLength(1);
  });

  it('says nothing of good ones, newer ones, and those that are not there', () => {
    expect(at({ '@apollo/server': '5.5.0', mercurius: '16.8.0' })).toEqual([]);
    expect(at({ '@apollo/server': '6.0.0', mercurius: '16.10.1' })).toEqual([]);
    expect(at({})).toEqual([]);
  });

  it('reads what is installed', () => {
    expect(vulnerableDrivers()).toEqual([]);
  });
});
