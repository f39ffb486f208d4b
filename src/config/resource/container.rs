//! The container, as the kernel of Linux knows it.

use super::Claim;

pub(super) fn detect(claim: &mut Claim<'_>) {
    let read = |file| std::fs::read_to_string(file).unwrap_or_default();
    let found = of_groups(&read("/proc/self/cgroup"))
        .map(str::to_owned)
        .or_else(|| of_mounts(&read("/proc/self/mountinfo")).map(str::to_owned));
    if let Some(id) = found {
        claim("container.id", &id);
    }
}

/// The first version of control groups: the last part of a path.
fn of_groups(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let part = line.rsplit('/').next()?;
        let part = part.strip_suffix(".scope").unwrap_or(part);
        // A runtime's name may stand before it.
        let part = part.rsplit(['-', ':']).next()?;
        is_id(part).then_some(part)
    })
}

/// The second version shows no path: the runtime's mounts do.
fn of_mounts(text: &str) -> Option<&str> {
    let mut own = text.lines().filter(|line| line.contains(" /etc/hostname "));
    own.find_map(|line| {
        // A sandbox is all of a pod's, and no container.
        line.split("/containers/").chain(line.split("-containers/")).skip(1).find_map(|rest| {
            let part = rest.split('/').next()?;
            is_id(part).then_some(part)
        })
    })
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::{of_groups, of_mounts};

    const ID: &str = "3f2a1c0d9e8b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f";

    #[test]
    fn the_id_is_in_the_groups() {
        for line in [
            format!("12:memory:/docker/{ID}"),
            format!("1:name=systemd:/kubepods/besteffort/pod12/{ID}"),
            format!("0::/system.slice/docker-{ID}.scope"),
            format!("0::/kubepods.slice/cri-containerd-{ID}.scope"),
            format!("11:devices:/kubepods-pod1.slice:cri-containerd:{ID}"),
        ] {
            assert_eq!(of_groups(&format!("2:cpu:/\n{line}\n")), Some(ID), "{line}");
        }
        for text in
            ["", "0::/", "0::/user.slice/session-1.scope", &format!("0::/docker/{}", &ID[1..])]
        {
            assert_eq!(of_groups(text), None, "{text}");
        }
    }

    #[test]
    fn the_id_is_in_the_mounts() {
        for path in [
            format!("/var/lib/docker/containers/{ID}/hostname"),
            format!("/run/overlay-containers/{ID}/userdata/hostname"),
        ] {
            let text = format!(
                "1 2 0:1 / / rw - overlay overlay rw\n473 456 254:1 {path} /etc/hostname rw - ext4 /dev/vda1 rw\n"
            );
            assert_eq!(of_mounts(&text), Some(ID), "{path}");
        }
        let other =
            format!("1 2 0:1 /var/lib/docker/containers/{ID}/hosts /etc/hosts rw - ext4 a rw");
        let sandbox = format!("1 2 0:1 /run/sandboxes/{ID}/hostname /etc/hostname rw - ext4 a rw");
        assert_eq!((of_mounts(&other), of_mounts(&sandbox)), (None, None));
    }
}
