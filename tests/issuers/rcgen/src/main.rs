//! Has rcgen make an authority and certificates: `issue-rcgen FOLDER NAME…`.
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("no folder given")?);
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "Team CA");
    let key = KeyPair::generate()?;
    let root = params.self_signed(&key)?;
    fs::write(folder.join("ca.pem"), root.pem())?;
    let issuer = Issuer::new(params, key);
    for name in arguments {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec![name.clone()])?.signed_by(&key, &issuer)?;
        fs::write(folder.join(format!("{name}.pem")), certificate.pem())?;
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem())?;
    }
    Ok(())
}
